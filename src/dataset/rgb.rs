//! Decoded images: 8-bit interleaved RGB.

/// A decoded image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Rows.
    pub height: u32,
    /// Columns.
    pub width: u32,
    /// `[height][width][3]`, red first.
    pub rgb: Vec<u8>,
}

impl Image {
    /// The image, borrowed.
    pub fn view(&self) -> RgbView<'_> {
        RgbView { height: self.height, width: self.width, rgb: &self.rgb }
    }
}

/// A borrowed image. Whoever takes one checks that the sides and the slice agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RgbView<'a> {
    /// Rows.
    pub height: u32,
    /// Columns.
    pub width: u32,
    /// `[height][width][3]`, red first.
    pub rgb: &'a [u8],
}

impl<'a> RgbView<'a> {
    /// Bytes of one row.
    pub fn row_bytes(&self) -> usize {
        self.width as usize * 3
    }

    /// Row `y` as `[width][3]`.
    ///
    /// # Panics
    ///
    /// If the slice does not reach that row.
    pub fn row(&self, y: usize) -> &'a [u8] {
        &self.rgb[y * self.row_bytes()..][..self.row_bytes()]
    }
}
