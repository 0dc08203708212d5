//! What every part of the server stands on: configuration, database, clock, cryptography, the road out, logs, and the
//! seam to the capabilities.

pub mod clock;
pub mod config;
pub mod crypto;
pub mod db;
pub mod egress;
pub mod execute;
pub mod kill_points;
pub mod limits;
pub mod net;
pub mod records;
pub mod shutdown;
pub mod telemetry;
