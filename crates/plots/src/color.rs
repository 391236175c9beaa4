//! Colours that colour-blind readers can tell apart, and what goes with them: dashes and markers.

/// Red, green, blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Color(pub(crate) u8, pub(crate) u8, pub(crate) u8);

pub(crate) const WHITE: Color = Color(255, 255, 255);
pub(crate) const INK: Color = Color(40, 40, 40);
/// Texts of less weight: notes.
pub(crate) const FADED: Color = Color(105, 105, 105);
pub(crate) const GRID: Color = Color(228, 228, 228);
/// What is not known: cells of a map without a number.
pub(crate) const UNKNOWN: Color = Color(190, 190, 190);

pub(crate) const BLUE: Color = Color(0, 114, 178);
pub(crate) const VERMILION: Color = Color(213, 94, 0);
pub(crate) const GREEN: Color = Color(0, 158, 115);
const PURPLE: Color = Color(204, 121, 167);
const SKY: Color = Color(86, 180, 233);
const ORANGE: Color = Color(230, 159, 0);
const BLACK: Color = Color(70, 70, 70);

/// The palette of Okabe and Ito, "Color Universal Design", 2008; its yellow is too faint for lines on white.
const PALETTE: [Color; 7] = [BLUE, VERMILION, GREEN, PURPLE, SKY, ORANGE, BLACK];

/// The colour of the n-th of several things; comes round again after seven.
pub(crate) fn nth(n: usize) -> Color {
    PALETTE[n % PALETTE.len()]
}

/// Lengths of strokes and gaps by turns, in pixels; none is a solid line.
pub(crate) type Dash = &'static [f64];

pub(crate) const SOLID: Dash = &[];
pub(crate) const DASHED: Dash = &[8.0, 4.0];
pub(crate) const DOTTED: Dash = &[2.0, 3.0];

/// The dash of the n-th of several lines: another than its neighbours', and another when colours come round.
pub(crate) fn nth_dash(n: usize) -> Dash {
    const DASHES: [Dash; 4] = [SOLID, DASHED, &[9.0, 3.0, 2.0, 3.0], &[3.0, 3.0]];
    DASHES[n % DASHES.len()]
}

impl Color {
    /// This colour with so much of another in it, 0 to 1.
    pub(crate) fn mix(self, other: Self, share: f64) -> Self {
        let share = share.clamp(0.0, 1.0);
        let mix = |a: u8, b: u8| (f64::from(a) + share * (f64::from(b) - f64::from(a))).round() as u8;
        Self(mix(self.0, other.0), mix(self.1, other.1), mix(self.2, other.2))
    }

    /// A lighter one: so much of it on white.
    pub(crate) fn tint(self, share: f64) -> Self {
        WHITE.mix(self, share)
    }

    /// Ink or white, whichever reads better on it.
    pub(crate) fn text(self) -> Self {
        let light = 0.299 * f64::from(self.0) + 0.587 * f64::from(self.1) + 0.114 * f64::from(self.2);
        if light > 140.0 { INK } else { WHITE }
    }
}

/// From blue at -1 over white to vermilion at 1.
pub(crate) fn diverging(x: f64) -> Color {
    if x < 0.0 { BLUE.tint(-x) } else { VERMILION.tint(x) }
}
