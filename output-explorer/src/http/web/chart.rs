//! Charts, drawn here: a browser needs no script for them. Beside each stands a table with the same numbers.

use maud::{Markup, html};
use stegos_common::amount::Amount;

/// The size of a chart, in its own units.
const WIDTH: usize = 720;
const HEIGHT: usize = 160;

/// Room at the bottom for words.
const WORDS: usize = 18;

/// A day, or whatever a bar stands for.
pub(super) struct Bar {
    pub(super) name: String,
    pub(super) values: [Amount; 2],
}

/// Pairs of bars side by side.
pub(super) fn bars(title: &str, legend: [&str; 2], bars: &[Bar]) -> Markup {
    let most = bars.iter().flat_map(|bar| bar.values).max().unwrap_or_default();
    let slot = WIDTH / bars.len().max(1);
    let width = (slot / 3).clamp(1, 24);
    html! {
        figure {
            figcaption { (title) " " @for (place, name) in legend.iter().enumerate() {
                span class={ "legend s" (place) } { (name) }
            } }
            svg.chart viewBox={ "0 0 " (WIDTH) " " (HEIGHT + WORDS) } role="img" aria-label={ (title) ", as in the table below" } {
                line.axis x1="0" y1=(HEIGHT) x2=(WIDTH) y2=(HEIGHT) {}
                line.axis x1="0" y1="16" x2=(WIDTH) y2="16" {}
                text x="4" y="12" { (most.to_string()) }
                @for (place, bar) in bars.iter().enumerate() {
                    @for (which, value) in bar.values.iter().enumerate() {
                        @let height = scaled(*value, most);
                        rect class={ "s" (which) } x=(place * slot + slot / 2 - width + which * width) y=(HEIGHT - height)
                            width=(width) height=(height) {
                            title { (bar.name) ": " (legend.get(which).copied().unwrap_or_default()) " " (value.to_string()) }
                        }
                    }
                    @if bars.len() <= 8 || place % (bars.len() / 6).max(1) == 0 {
                        text x=(place * slot + slot / 2) y=(HEIGHT + WORDS - 4) text-anchor="middle" { (bar.name.get(5..).unwrap_or(&bar.name)) }
                    }
                }
            }
            details {
                summary { "The same as a table" }
                div.scroll tabindex="0" role="region" aria-label=(title) { table {
                    thead { tr { th { "Day (UTC)" } @for name in legend { th.number { (name) } } } }
                    tbody { @for bar in bars.iter().rev() {
                        tr { td { (bar.name) } @for value in bar.values { td.number { (value.to_string()) } } }
                    } }
                } }
            }
        }
    }
}

/// A line of steps: what somebody had at the end of each epoch.
pub(super) fn steps(title: &str, points: &[(u64, Amount)]) -> Markup {
    let most = points.iter().map(|(_, amount)| *amount).max().unwrap_or_default();
    let width = WIDTH / points.len().max(1);
    let mut path = String::new();
    for (place, (_, amount)) in points.iter().enumerate() {
        let (x, y) = (place * width, HEIGHT - scaled(*amount, most));
        path.push_str(&if place == 0 { format!("M{x} {y}") } else { format!("V{y}") });
        path.push_str(&format!("H{}", x + width));
    }
    html! {
        figure {
            figcaption { (title) }
            svg.chart viewBox={ "0 0 " (WIDTH) " " (HEIGHT + WORDS) } role="img" aria-label={ (title) ", as in the table below" } {
                line.axis x1="0" y1=(HEIGHT) x2=(WIDTH) y2=(HEIGHT) {}
                path.line d=(path) {}
                @if let (Some(first), Some(last)) = (points.first(), points.last()) {
                    text x="0" y=(HEIGHT + WORDS - 4) { "epoch " (first.0) }
                    text x=(WIDTH) y=(HEIGHT + WORDS - 4) text-anchor="end" { "epoch " (last.0) }
                    text x="4" y="12" { (most.to_string()) }
                }
            }
            details {
                summary { "The same as a table" }
                div.scroll tabindex="0" role="region" aria-label=(title) { table {
                    thead { tr { th { "End of epoch" } th.number { "Balance" } } }
                    tbody { @for (epoch, amount) in points.iter().rev() {
                        tr { td { (epoch) } td.number { (amount.to_string()) } }
                    } }
                } }
            }
        }
    }
}

/// A height: for the eye only, so that a part of a unit does not matter. What is not nothing is seen.
fn scaled(amount: Amount, most: Amount) -> usize {
    let (part, whole) = (i128::from(amount.micro()), i128::from(most.micro()).max(1));
    let height = part * (HEIGHT as i128 - 16) / whole;
    usize::try_from(height).unwrap_or(0).max(usize::from(part > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heights_are_in_proportion_and_nothing_vanishes() {
        let amount = |micro| Amount::from_micro(micro).unwrap();
        assert_eq!(scaled(amount(0), amount(0)), 0);
        assert_eq!(scaled(Amount::MAX, Amount::MAX), HEIGHT - 16);
        assert_eq!(scaled(amount(1), Amount::MAX), 1);
        assert_eq!(scaled(amount(50), amount(100)), (HEIGHT - 16) / 2);
    }
}
