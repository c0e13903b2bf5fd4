//! QR codes as pictures that are drawn in the page, dark on light in every colour scheme: cameras want it so.

use maud::{Markup, html};
use qrcode::{Color, EcLevel, QrCode};

/// The light margin around a code, in modules, as the standard asks for.
const MARGIN: usize = 4;

/// A QR code. What is too long for one is shown as nothing: addresses and frames never are.
pub(super) fn qr(text: &str, name: &str) -> Markup {
    let Ok(code) = QrCode::with_error_correction_level(text, EcLevel::L) else { return html! {} };
    let (side, path) = (code.width() + 2 * MARGIN, path(&code));
    html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox={ "0 0 " (side) " " (side) } role="img" aria-label=(name)
            shape-rendering="crispEdges" {
            rect width=(side) height=(side) fill="#fff" {}
            path d=(path) fill="#000" {}
        }
    }
}

/// The dark modules, row by row.
fn path(code: &QrCode) -> String {
    let mut path = String::new();
    for (place, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            let (x, y) = (place % code.width() + MARGIN, place / code.width() + MARGIN);
            path.push_str(&format!("M{x} {y}h1v1h-1z"));
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_is_read_again() {
        let text = "stt1ehknp6ljpgp92xk4dcjzsw5az26cp9yyw7cj7znfj85gw0qkh3kqqzhv5l";
        let drawn = qr(text, "name").into_string();
        let path = drawn.split("path d=\"").nth(1).unwrap().split('"').next().unwrap();
        let side: usize =
            drawn.split("viewBox=\"0 0 ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
        let scale = 4;
        let mut picture = vec![255_u8; side * side * scale * scale];
        for module in path.split('M').filter(|module| !module.is_empty()) {
            let (x, y) = module.split('h').next().unwrap().split_once(' ').unwrap();
            let (x, y): (usize, usize) = (x.parse().unwrap(), y.parse().unwrap());
            for (dx, dy) in (0..scale).flat_map(|dx| (0..scale).map(move |dy| (dx, dy))) {
                picture[(y * scale + dy) * side * scale + x * scale + dx] = 0;
            }
        }
        let side = side * scale;
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(side, side, |x, y| picture[y * side + x]);
        assert_eq!(image.detect_grids()[0].decode().unwrap().1, text);
    }
}
