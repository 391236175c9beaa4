//! The choice of an optimiser, its numbers, and its form as text.

use crate::Error;
use std::fmt;
use std::str::FromStr;

/// An optimiser and its numbers, by PyTorch's definitions and defaults. The rate is given at each step.
///
/// The text form is the name, followed by a colon and the numbers that differ from the defaults.
///
/// ```
/// use dualtape_nn::Method;
/// let method: Method = "sgd:momentum=0.9,nesterov".parse()?;
/// assert_eq!(method, Method::Sgd { momentum: 0.9, dampening: 0.0, nesterov: true, weight_decay: 0.0 });
/// assert_eq!(method.to_string(), "sgd:momentum=0.9,nesterov");
/// assert!("adam:beta1=1".parse::<Method>().is_err());
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Method {
    /// Stochastic gradient descent: v ← μ v + (1 − τ) g, with v = g at first, and θ ← θ − rate · v; with
    /// Nesterov's momentum θ ← θ − rate · (g + μ v).
    Sgd {
        /// μ, the share of the last step that is kept; from 0 to less than 1.
        momentum: f64,
        /// τ, how much of the new gradient is left out; from 0 to less than 1.
        dampening: f64,
        /// Whether to look ahead; needs a momentum and no dampening.
        nesterov: bool,
        /// λ in g ← g + λ θ; 0 or more.
        weight_decay: f64,
    },
    /// Kingma and Ba, "Adam", 2014: θ ← θ − rate · m̂ / (√v̂ + ε), with unbiased averages m̂ of g and v̂ of g².
    Adam {
        /// The share of the average of g that is kept; from 0 to less than 1.
        beta1: f64,
        /// The share of the average of g² that is kept; from 0 to less than 1.
        beta2: f64,
        /// ε, outside the root; 0 or more.
        epsilon: f64,
        /// λ in g ← g + λ θ; 0 or more.
        weight_decay: f64,
    },
    /// Loshchilov and Hutter, "Decoupled weight decay regularization", 2017: Adam, but the decay is separate from
    /// the gradient: θ ← θ (1 − rate · λ) comes first.
    AdamW {
        /// As in Adam.
        beta1: f64,
        /// As in Adam.
        beta2: f64,
        /// As in Adam.
        epsilon: f64,
        /// λ; 0 or more.
        weight_decay: f64,
    },
    /// Hinton's RMSprop: θ ← θ − rate · g / (√v + ε), with an average v of g².
    RmsProp {
        /// The share of the average that is kept; from 0 to less than 1.
        alpha: f64,
        /// ε, outside the root; 0 or more.
        epsilon: f64,
        /// λ in g ← g + λ θ; 0 or more.
        weight_decay: f64,
        /// The share of the last step that is kept; from 0 to less than 1.
        momentum: f64,
        /// Whether the square of the average of g is subtracted from v.
        centered: bool,
    },
}

impl Method {
    /// SGD with the given momentum, and nothing else.
    ///
    /// ```
    /// use dualtape_nn::Method;
    /// assert_eq!("sgd:momentum=0.9".parse::<Method>()?, Method::sgd(0.9));
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub const fn sgd(momentum: f64) -> Self {
        Self::Sgd { momentum, dampening: 0.0, nesterov: false, weight_decay: 0.0 }
    }

    /// Adam with PyTorch's defaults.
    ///
    /// ```
    /// use dualtape_nn::Method;
    /// assert!(matches!(Method::adam(), Method::Adam { beta1: 0.9, beta2: 0.999, weight_decay: 0.0, .. }));
    /// ```
    pub const fn adam() -> Self {
        Self::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0 }
    }

    /// AdamW with PyTorch's defaults, a weight decay of 0.01 among them.
    ///
    /// ```
    /// use dualtape_nn::Method;
    /// assert!(matches!(Method::adamw(), Method::AdamW { beta1: 0.9, weight_decay: 0.01, .. }));
    /// ```
    pub const fn adamw() -> Self {
        Self::AdamW { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.01 }
    }

    /// RMSprop with PyTorch's defaults.
    ///
    /// ```
    /// use dualtape_nn::Method;
    /// assert!(matches!(Method::rmsprop(), Method::RmsProp { alpha: 0.99, centered: false, .. }));
    /// ```
    pub const fn rmsprop() -> Self {
        Self::RmsProp { alpha: 0.99, epsilon: 1e-8, weight_decay: 0.0, momentum: 0.0, centered: false }
    }

    /// The momentum, or Adam's β₁.
    pub(crate) fn momentum(self) -> f64 {
        match self {
            Self::Sgd { momentum, .. } | Self::RmsProp { momentum, .. } => momentum,
            Self::Adam { beta1, .. } | Self::AdamW { beta1, .. } => beta1,
        }
    }

    /// How many numbers are kept for each parameter.
    pub(super) fn buffers(self) -> usize {
        match self {
            Self::Sgd { momentum, .. } => usize::from(momentum > 0.0),
            Self::Adam { .. } | Self::AdamW { .. } => 2,
            Self::RmsProp { momentum, centered, .. } => {
                1 + usize::from(centered) + usize::from(momentum > 0.0)
            }
        }
    }

    /// Checks that every number of the method is in its range.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`], naming the first number that is out of range.
    ///
    /// ```
    /// use dualtape_nn::Method;
    /// assert!(Method::adam().check().is_ok());
    /// assert!(Method::sgd(1.5).check().is_err());
    /// ```
    pub fn check(self) -> Result<(), Error> {
        for (name, value) in self.numbers() {
            let (fine, expected) = match name {
                "epsilon" | "weight-decay" => (value.is_finite() && value >= 0.0, "a number of 0 or more"),
                _ => ((0.0..1.0).contains(&value), "0 or more, and less than 1"),
            };
            if !fine {
                return Err(Error::Setting { what: words(name), given: value.to_string(), expected });
            }
        }
        match self {
            Self::Sgd { nesterov: true, momentum, dampening, .. } if momentum == 0.0 || dampening != 0.0 => {
                Err(Error::Setting {
                    what: "optimiser",
                    given: format!("'{self}'"),
                    expected: "a momentum and no dampening with nesterov",
                })
            }
            _ => Ok(()),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Sgd { .. } => "sgd",
            Self::Adam { .. } => "adam",
            Self::AdamW { .. } => "adamw",
            Self::RmsProp { .. } => "rmsprop",
        }
    }

    /// The method with this name and its defaults.
    fn named(name: &str) -> Option<Self> {
        let all = [Self::sgd(0.0), Self::adam(), Self::adamw(), Self::rmsprop()];
        all.into_iter().find(|method| method.name() == name)
    }

    /// Every number, with its name in the text form.
    fn numbers(mut self) -> Vec<(&'static str, f64)> {
        self.numbers_mut().into_iter().map(|(name, number)| (name, *number)).collect()
    }

    fn numbers_mut(&mut self) -> Vec<(&'static str, &mut f64)> {
        match self {
            Self::Sgd { momentum, dampening, weight_decay, .. } => {
                vec![("momentum", momentum), ("dampening", dampening), ("weight-decay", weight_decay)]
            }
            Self::Adam { beta1, beta2, epsilon, weight_decay }
            | Self::AdamW { beta1, beta2, epsilon, weight_decay } => {
                vec![("beta1", beta1), ("beta2", beta2), ("epsilon", epsilon), ("weight-decay", weight_decay)]
            }
            Self::RmsProp { alpha, epsilon, weight_decay, momentum, .. } => vec![
                ("alpha", alpha),
                ("epsilon", epsilon),
                ("weight-decay", weight_decay),
                ("momentum", momentum),
            ],
        }
    }

    /// Every flag, with its name in the text form.
    fn flag_mut(&mut self) -> Option<(&'static str, &mut bool)> {
        match self {
            Self::Sgd { nesterov, .. } => Some(("nesterov", nesterov)),
            Self::RmsProp { centered, .. } => Some(("centered", centered)),
            Self::Adam { .. } | Self::AdamW { .. } => None,
        }
    }

    /// Sets one number, as in `beta1=0.8`, or a flag.
    fn set(&mut self, text: &str) -> Option<()> {
        if let Some((name, value)) = text.split_once('=') {
            let (_, number) = self.numbers_mut().into_iter().find(|(known, _)| *known == name)?;
            *number = value.parse().ok()?;
        } else {
            let (_, flag) = self.flag_mut().filter(|(known, _)| *known == text)?;
            *flag = true;
        }
        Some(())
    }
}

impl Default for Method {
    /// SGD with a momentum of 0.9.
    fn default() -> Self {
        Self::sgd(0.9)
    }
}

fn words(name: &'static str) -> &'static str {
    if name == "weight-decay" { "weight decay" } else { name }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        let mut this = *self;
        let defaults = Self::named(self.name()).map(Self::numbers).unwrap_or_default();
        let numbers = self.numbers().into_iter().zip(defaults).filter(|(own, default)| own != default);
        let flag = this.flag_mut().filter(|(_, on)| **on).map(|(name, _)| name.to_owned());
        let parts = numbers.map(|((name, value), _)| format!("{name}={value}")).chain(flag);
        for (part, separator) in parts.zip([':'].into_iter().chain(std::iter::repeat(','))) {
            write!(f, "{separator}{part}")?;
        }
        Ok(())
    }
}

impl FromStr for Method {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || Error::Setting {
            what: "optimiser",
            given: format!("'{text}'"),
            expected: "sgd, adam, adamw or rmsprop, and after a colon what differs from its defaults, as in \
                       sgd:momentum=0.9,nesterov: momentum, dampening, weight-decay, nesterov for sgd; beta1, beta2, \
                       epsilon, weight-decay for adam and adamw; alpha, epsilon, weight-decay, momentum, centered \
                       for rmsprop",
        };
        let (name, options) = text.split_once(':').unwrap_or((text, ""));
        let mut method = Self::named(name).ok_or_else(wrong)?;
        if text.contains(':') {
            options.split(',').try_for_each(|option| method.set(option.trim())).ok_or_else(wrong)?;
        }
        method.check()?;
        Ok(method)
    }
}
