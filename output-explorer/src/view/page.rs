//! Lists that are too long for one answer.

use serde::Serialize;
use utoipa::ToSchema;

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Page<T> {
    /// The rows, in the order of the list.
    pub rows: Vec<T>,
    /// What to ask for to go on behind the last row; none at the end of the list, as far as it is known now.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// A page of at most `limit` rows, of which one more was asked for.
    pub fn cut<R>(mut all: Vec<R>, limit: usize, cursor: impl Fn(&R) -> String) -> Self
    where
        T: From<R>,
    {
        let more = all.len() > limit;
        all.truncate(limit);
        let next = all.last().filter(|_| more).map(cursor);
        Self { rows: all.into_iter().map(T::from).collect(), next }
    }

    /// The same with rows of another kind.
    pub fn of<R>(rows: crate::control::Rows<R>) -> Self
    where
        T: From<R>,
    {
        let next = rows.next.map(|next| next.0.to_string());
        Self { rows: rows.rows.into_iter().map(T::from).collect(), next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_tells_whether_there_is_another() {
        for (rows, expected, next) in
            [(vec![1, 2], vec![1, 2], None), (vec![1, 2, 3], vec![1, 2], Some("2")), (vec![], vec![], None)]
        {
            let page = Page::<i32>::cut(rows, 2, ToString::to_string);
            assert_eq!((page.rows, page.next.as_deref()), (expected, next));
        }
    }
}
