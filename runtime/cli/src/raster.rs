//! SVG to PNG, without any font or file of the machine: the same picture everywhere.

use std::sync::Arc;

use resvg::{tiny_skia, usvg};

/// A side of a picture is at most so long, in pixels, and a picture at most as large as a square of half of it.
const LONGEST: f32 = 32_768.0;

/// The picture at twice its size, or at its size where it is large; `None` where it is too large.
pub(crate) fn png(svg: &str) -> Option<Vec<u8>> {
    let mut fonts = usvg::fontdb::Database::new();
    for font in [dejavu::sans::regular(), dejavu::sans::bold()] {
        fonts.load_font_data(font.to_vec());
    }
    fonts.set_sans_serif_family("DejaVu Sans");
    let options = usvg::Options { fontdb: Arc::new(fonts), ..usvg::Options::default() };
    let tree = usvg::Tree::from_str(svg, &options).ok()?;
    let (width, height) = (tree.size().width(), tree.size().height());
    let fits = |scale: f32| {
        width * scale <= LONGEST
            && height * scale <= LONGEST
            && width * height * scale * scale <= LONGEST * LONGEST / 4.0
    };
    let scale = [2.0, 1.0].into_iter().find(|scale| fits(*scale))?;
    let size = tree.size().to_int_size().scale_by(scale)?;
    let mut pixels = tiny_skia::Pixmap::new(size.width(), size.height())?;
    resvg::render(&tree, tiny_skia::Transform::from_scale(scale, scale), &mut pixels.as_mut());
    pixels.encode_png().ok()
}
