//! Schedules: how the rate changes during a training.

use crate::Error;
use std::f64::consts::PI;
use std::fmt;
use std::str::FromStr;

/// The rate at each time, as in PyTorch's schedulers of the same names. Time counts from 0, in epochs or in steps, as
/// the caller chooses.
///
/// In the text form, colons separate the parts of a schedule, and plus signs separate the links of a chain. `@N` specifies
/// how long a link lasts, if the link itself does not determine it:
///
/// ```
/// use dualtape_nn::Schedule;
///
/// let schedule: Schedule = "warmup:5+step:10:0.5@20+cosine:100:0.001".parse()?;
/// for (t, rate) in [(0, 0.1), (4, 0.5), (5, 0.5), (15, 0.25), (25, 0.5), (125, 0.001)] {
///     assert!((schedule.rate(0.5, t) - rate).abs() < 1e-15);
/// }
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Schedule {
    /// The rate stays the same: `constant`.
    #[default]
    Constant,
    /// rate · γ^⌊t/size⌋: `step:SIZE:GAMMA`.
    Step {
        /// How long the rate stays the same; at least 1.
        size: u64,
        /// The factor by which it is then multiplied; positive.
        gamma: f64,
    },
    /// rate · γᵗ: `exponential:GAMMA`.
    Exponential {
        /// The factor by which the rate is multiplied each time; positive.
        gamma: f64,
    },
    /// min + ½ (rate − min)(1 + cos(πt/length)): `cosine:LENGTH` or `cosine:LENGTH:MIN`. After this length, the
    /// rate rises again, as in PyTorch. Loshchilov and Hutter, "SGDR", 2016.
    Cosine {
        /// The time at which the rate is smallest; at least 1.
        length: u64,
        /// The smallest rate; 0 or more.
        min: f64,
    },
    /// rate · min(1, (t + 1)/length): `warmup:LENGTH`.
    Warmup {
        /// How many units of time it takes to reach the full rate; at least 1.
        length: u64,
    },
    /// The rate rises from max/25 to max in the first 30 % of the time, and then falls to max/250 000, along cosines:
    /// `one-cycle:MAX:TOTAL`. It does not depend on the base rate. After the end, it stays constant. A momentum changes in the
    /// opposite direction; see [`momentum`](Self::momentum). Smith, "Super-convergence", 2017.
    OneCycle {
        /// The largest rate; positive.
        max: f64,
        /// PyTorch's `total_steps`, which is one more than the last time; at least 2.
        total: u64,
    },
    /// Schedules one after another. Each counts its time from 0.
    Chain(Vec<Link>),
}

/// A schedule, and how long it lasts.
///
/// ```
/// use dualtape_nn::{Link, Schedule};
/// // Five units of warming up, then a cosine.
/// let warmup = Link { schedule: Schedule::Warmup { length: 5 }, length: 5 };
/// let cosine = Link { schedule: Schedule::Cosine { length: 100, min: 0.0 }, length: 100 };
/// let chain = Schedule::Chain(vec![warmup, cosine]);
/// assert_eq!((chain.rate(0.1, 4), chain.rate(0.1, 5)), (0.1, 0.1));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// The schedule.
    pub schedule: Schedule,
    /// How long it lasts; the last link of a chain lasts for ever.
    pub length: u64,
}

/// The share of the time of `one-cycle` in which the rate rises, as in PyTorch.
const RISING: f64 = 0.3;

/// The ratio of the largest rate of `one-cycle` to its first.
const LARGEST_TO_FIRST: f64 = 25.0;

/// The momentum of `one-cycle` at both ends, and where the rate is largest.
const MOST_MOMENTUM: f64 = 0.95;
const LEAST_MOMENTUM: f64 = 0.85;

/// The ratio of the first rate of `one-cycle` to its last.
const FIRST_TO_LAST: f64 = 1e4;

impl Schedule {
    /// The rate at time `t`, given the base rate.
    ///
    /// ```
    /// use dualtape_nn::Schedule;
    /// let halved = Schedule::Step { size: 10, gamma: 0.5 };
    /// assert_eq!([0, 9, 10, 25].map(|t| halved.rate(0.4, t)), [0.4, 0.4, 0.2, 0.1]);
    /// ```
    pub fn rate(&self, base: f64, t: u64) -> f64 {
        match *self {
            Self::Constant => base,
            Self::Step { size, gamma } => base * gamma.powf((t / size.max(1)) as f64),
            Self::Exponential { gamma } => base * gamma.powf(t as f64),
            Self::Cosine { length, min } => cosine(base, min, t as f64 / length as f64),
            Self::Warmup { length } => base * ((t as f64 + 1.0) / length as f64).min(1.0),
            Self::OneCycle { max, total } => {
                let first = max / LARGEST_TO_FIRST;
                cycle(total as f64, t as f64, [first, max, first / FIRST_TO_LAST])
            }
            Self::Chain(ref links) => link_at(links, t).map_or(base, |(link, t)| link.schedule.rate(base, t)),
        }
    }

    /// The time at which the rate begins to rise again after the end of a cosine, in a training of this many units; `None` if
    /// it does not rise. A cosine continues after its end, as in PyTorch.
    ///
    /// ```
    /// use dualtape_nn::Schedule;
    /// let schedule: Schedule = "warmup:5+cosine:95".parse()?;
    /// assert_eq!((schedule.rises_again(300), schedule.rises_again(100)), (Some(100), None));
    /// assert!(schedule.rate(1.0, 150) > schedule.rate(1.0, 100));
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn rises_again(&self, units: u64) -> Option<u64> {
        let end = match self {
            Self::Cosine { length, .. } => *length,
            Self::Chain(links) => {
                let (last, before) = links.split_last()?;
                let start: u64 = before.iter().map(|link| link.length).fold(0, u64::saturating_add);
                return last.schedule.rises_again(units.saturating_sub(start)).map(|end| start + end);
            }
            _ => return None,
        };
        (units > end.saturating_add(1)).then_some(end)
    }

    /// The momentum at time `t`, if the schedule has one. `one-cycle` lowers it from 0.95 to 0.85 while the rate rises, and
    /// then raises it again, as PyTorch does by default. See
    /// [`Optimizer::set_momentum`](crate::Optimizer::set_momentum).
    ///
    /// ```
    /// use dualtape_nn::Schedule;
    /// let cycle = Schedule::OneCycle { max: 0.1, total: 100 };
    /// assert_eq!((cycle.momentum(0), Schedule::Constant.momentum(0)), (Some(0.95), None));
    /// ```
    pub fn momentum(&self, t: u64) -> Option<f64> {
        match *self {
            Self::OneCycle { total, .. } => {
                Some(cycle(total as f64, t as f64, [MOST_MOMENTUM, LEAST_MOMENTUM, MOST_MOMENTUM]))
            }
            Self::Chain(ref links) => {
                let (link, t) = link_at(links, t)?;
                link.schedule.momentum(t)
            }
            _ => None,
        }
    }

    /// Checks that every number is in its range.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] if a number is out of its range.
    ///
    /// ```
    /// use dualtape_nn::Schedule;
    /// assert!(Schedule::Exponential { gamma: 0.9 }.check().is_ok());
    /// assert!(Schedule::Warmup { length: 0 }.check().is_err());
    /// ```
    pub fn check(&self) -> Result<(), Error> {
        let positive = |x: f64| x.is_finite() && x > 0.0;
        let fine = match *self {
            Self::Constant => true,
            Self::Step { size, gamma } => size > 0 && positive(gamma),
            Self::Exponential { gamma } => positive(gamma),
            Self::Cosine { length, min } => length > 0 && min.is_finite() && min >= 0.0,
            Self::Warmup { length } => length > 0,
            Self::OneCycle { max, total } => positive(max) && total > 1,
            Self::Chain(ref links) => {
                links.iter().try_for_each(|link| link.schedule.check())?;
                !links.is_empty() && links.iter().all(|link| !matches!(link.schedule, Self::Chain(_)))
            }
        };
        if fine { Ok(()) } else { Err(wrong(self)) }
    }

    /// How long a schedule lasts, if it determines that itself.
    fn own_length(&self) -> Option<u64> {
        match *self {
            Self::Cosine { length, .. } | Self::Warmup { length } => Some(length),
            Self::OneCycle { total, .. } => Some(total),
            _ => None,
        }
    }
}

/// A rate between two others, along half a cosine.
fn cosine(from: f64, to: f64, share: f64) -> f64 {
    to + 0.5 * (from - to) * (1.0 + (PI * share).cos())
}

/// A number on the way from the first number to the second, and then to the third.
fn cycle(total: f64, t: f64, [first, top, last]: [f64; 3]) -> f64 {
    let (turn, end) = (RISING * total - 1.0, total - 1.0);
    if t < turn {
        cosine(first, top, t / turn)
    } else {
        cosine(top, last, ((t - turn) / (end - turn)).min(1.0))
    }
}

/// The link that applies at time `t`, and the time since it began.
fn link_at(links: &[Link], mut t: u64) -> Option<(&Link, u64)> {
    let (last, before) = links.split_last()?;
    for link in before {
        if t < link.length {
            return Some((link, t));
        }
        t -= link.length;
    }
    Some((last, t))
}

fn wrong(given: impl fmt::Display) -> Error {
    Error::Setting {
        what: "schedule",
        given: format!("'{given}'"),
        expected: "constant, step:SIZE:GAMMA, exponential:GAMMA, cosine:LENGTH, cosine:LENGTH:MIN, warmup:LENGTH, \
                   one-cycle:MAX:TOTAL, or several, joined by + and with @LENGTH where one has none of its own",
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant => f.write_str("constant"),
            Self::Step { size, gamma } => write!(f, "step:{size}:{gamma}"),
            Self::Exponential { gamma } => write!(f, "exponential:{gamma}"),
            Self::Cosine { length, min: 0.0 } => write!(f, "cosine:{length}"),
            Self::Cosine { length, min } => write!(f, "cosine:{length}:{min}"),
            Self::Warmup { length } => write!(f, "warmup:{length}"),
            Self::OneCycle { max, total } => write!(f, "one-cycle:{max}:{total}"),
            Self::Chain(links) => {
                for (i, link) in links.iter().enumerate() {
                    let plus = if i > 0 { "+" } else { "" };
                    write!(f, "{plus}{}", link.schedule)?;
                    if i + 1 < links.len() && link.schedule.own_length() != Some(link.length) {
                        write!(f, "@{}", link.length)?;
                    }
                }
                Ok(())
            }
        }
    }
}

impl FromStr for Schedule {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let links: Vec<&str> = text.split('+').map(str::trim).collect();
        let schedule = match links[..] {
            [single] => parse_single(single).ok_or_else(|| wrong(text))?,
            _ => {
                let count = links.len();
                let link = |(i, link)| parse_link(link, i + 1 == count);
                let links = links.iter().copied().enumerate().map(link).collect::<Option<_>>();
                Self::Chain(links.ok_or_else(|| wrong(text))?)
            }
        };
        schedule.check().map_err(|_| wrong(text))?;
        Ok(schedule)
    }
}

fn parse_link(text: &str, is_last: bool) -> Option<Link> {
    let (schedule, length) = match text.split_once('@') {
        Some((schedule, length)) => (parse_single(schedule)?, Some(length.parse().ok()?)),
        None => (parse_single(text)?, None),
    };
    // It does not matter how long the last link lasts.
    let length = length.or(schedule.own_length()).or(is_last.then_some(0))?;
    Some(Link { schedule, length })
}

fn parse_single(text: &str) -> Option<Schedule> {
    let parts: Vec<&str> = text.split(':').collect();
    Some(match parts[..] {
        ["constant"] => Schedule::Constant,
        ["step", size, gamma] => Schedule::Step { size: size.parse().ok()?, gamma: gamma.parse().ok()? },
        ["exponential", gamma] => Schedule::Exponential { gamma: gamma.parse().ok()? },
        ["cosine", length] => Schedule::Cosine { length: length.parse().ok()?, min: 0.0 },
        ["cosine", length, min] => Schedule::Cosine { length: length.parse().ok()?, min: min.parse().ok()? },
        ["warmup", length] => Schedule::Warmup { length: length.parse().ok()? },
        ["one-cycle", max, total] => {
            Schedule::OneCycle { max: max.parse().ok()?, total: total.parse().ok()? }
        }
        _ => return None,
    })
}
