//! How long an answer took, for people. Nothing that is computed depends on it.

#[cfg(target_arch = "wasm32")]
mod clock {
    use wasm_bindgen::prelude::wasm_bindgen;

    #[wasm_bindgen]
    extern "C" {
        #[wasm_bindgen(js_namespace = performance)]
        fn now() -> f64;
    }

    pub(super) fn millis() -> f64 {
        now()
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod clock {
    pub(super) fn millis() -> f64 {
        0.0
    }
}

/// Microseconds since some moment; outside a browser always zero.
pub(crate) fn micros() -> u64 {
    (clock::millis() * 1000.0) as u64
}

/// A running measurement; outside a browser it is always zero.
pub(crate) struct Timer(f64);

impl Timer {
    pub(crate) fn start() -> Self {
        Self(clock::millis())
    }

    /// Microseconds so far.
    pub(crate) fn micros(&self) -> u64 {
        ((clock::millis() - self.0).max(0.0) * 1000.0) as u64
    }
}
