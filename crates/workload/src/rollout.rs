//! How far may a rolling update leave the number of replicas?

use crate::api::{Deployment, IntOrPercent};

/// In Pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// More than the replicas.
    pub(crate) surge: u32,
    /// Fewer that are available.
    pub(crate) unavailable: u32,
}

impl Bounds {
    pub(crate) fn of(deployment: &Deployment, desired: u32) -> Self {
        let rolling = deployment.spec.strategy.rolling_update.clone().unwrap_or_default();
        let quarter = IntOrPercent::Percent(25);
        let surge = pods(rolling.max_surge.unwrap_or(quarter), desired, u64::div_ceil);
        let unavailable =
            pods(rolling.max_unavailable.unwrap_or(quarter), desired, |part, all| part / all);
        // Both may round to none; then nothing would ever be replaced.
        let unavailable = if surge == 0 { unavailable.max(1) } else { unavailable };
        Self { surge, unavailable: unavailable.min(desired) }
    }
}

fn pods(bound: IntOrPercent, desired: u32, divide: fn(u64, u64) -> u64) -> u32 {
    match bound {
        IntOrPercent::Int(number) => number,
        IntOrPercent::Percent(percent) => {
            let part = u64::from(percent) * u64::from(desired);
            u32::try_from(divide(part, 100)).unwrap_or(u32::MAX)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_surge_up_and_unavailability_down() {
        let cases = [
            ("{}", 4, (1, 1)),
            ("{}", 3, (1, 0)),
            ("{}", 0, (0, 0)),
            (r#"{"maxSurge":0,"maxUnavailable":"10%"}"#, 3, (0, 1)),
            (r#"{"maxSurge":"100%","maxUnavailable":2}"#, 5, (5, 2)),
            (r#"{"maxSurge":1,"maxUnavailable":9}"#, 5, (1, 5)),
        ];
        for (rolling, desired, (surge, unavailable)) in cases {
            let text = format!(r#"{{"spec":{{"strategy":{{"rollingUpdate":{rolling}}}}}}}"#);
            let deployment: Deployment = serde_json::from_str(&text).expect("a Deployment");
            let expected = Bounds { surge, unavailable };
            assert_eq!(Bounds::of(&deployment, desired), expected, "{rolling} of {desired}");
        }
    }
}
