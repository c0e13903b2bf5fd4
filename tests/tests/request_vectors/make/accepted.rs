use super::Suite;

pub(crate) fn add(_suite: &mut Suite) {}
