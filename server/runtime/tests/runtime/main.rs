//! The runtime over both of its stores: runs, crashes, and that the two stores are one.

mod asked;
mod asks;
mod batches;
mod crash;
mod intake;
mod keeping;
mod kept;
mod operating;
mod postgres;
mod replicas;
mod runs;
mod sleeping;
mod slept;
mod stores;
mod support;
mod worlds;
