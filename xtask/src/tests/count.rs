//! How many tests passed and failed, read from what their runners print.

/// A number of tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Those that held.
    pub passed: u32,
    /// Those that did not.
    pub failed: u32,
}

impl Count {
    /// Adds another count.
    pub fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }

    /// From `test result: ok. 5 passed; 0 failed; …`, once for each binary.
    pub fn of_cargo_test(output: &str) -> Self {
        let mut count = Self::default();
        for line in output.lines().filter(|line| line.starts_with("test result:")) {
            count.passed += before(line, " passed");
            count.failed += before(line, " failed");
        }
        count
    }

    /// From `Summary [ 1.2s] 5 tests run: 4 passed, 1 failed, 0 skipped`; time-outs count as failures.
    pub fn of_nextest(output: &str) -> Self {
        let line = output.lines().rev().find(|line| line.trim_start().starts_with("Summary [")).unwrap_or("");
        let failed = before(line, " failed") + before(line, " timed out");
        Self { passed: before(line, " passed"), failed }
    }

    /// From Playwright's last lines: `5 passed (1.2m)`, `1 failed`, `2 did not run`. A flaky test is a failed one.
    pub fn of_playwright(output: &str) -> Self {
        let mut count = Self::default();
        for line in output.lines().map(str::trim) {
            let Some((number, rest)) = line.split_once(' ') else { continue };
            let Ok(number) = number.parse::<u32>() else { continue };
            match rest.split(" (").next().unwrap_or("") {
                "passed" => count.passed += number,
                "failed" | "flaky" | "did not run" | "interrupted" => count.failed += number,
                _ => {}
            }
        }
        count
    }
}

/// The number that stands before a word.
fn before(line: &str, word: &str) -> u32 {
    let digits = line.split(word).next().filter(|_| line.contains(word)).unwrap_or("");
    digits.rsplit(|c: char| !c.is_ascii_digit()).next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::Count;

    #[test]
    fn the_three_runners_are_understood() {
        let cargo =
            "test result: ok. 5 passed; 0 failed; 1 ignored\nx\ntest result: FAILED. 2 passed; 3 failed; 0 ignored\n";
        assert_eq!(Count::of_cargo_test(cargo), Count { passed: 7, failed: 3 });
        let nextest = "     Summary [   1.234s] 26 tests run: 24 passed (1 slow), 2 failed, 1 skipped\n";
        assert_eq!(Count::of_nextest(nextest), Count { passed: 24, failed: 2 });
        let all = "     Summary [   0.100s] 5 tests run: 5 passed, 0 skipped\n";
        assert_eq!(Count::of_nextest(all), Count { passed: 5, failed: 0 });
        let playwright = "  1 failed\n    [chromium] › a.spec.ts\n  2 did not run\n  12 passed (1.2m)\n";
        assert_eq!(Count::of_playwright(playwright), Count { passed: 12, failed: 3 });
    }
}
