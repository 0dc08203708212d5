//! The runtime over both of its stores: runs, crashes, and that the two stores are one.

mod asked;
mod asks;
mod batches;
mod crash;
mod intake;
mod keeping;
mod kept;
mod lines;
mod operating;
mod operations;
mod postgres;
mod replicas;
mod runs;
mod sleeping;
mod slept;
mod stores;
mod support;
mod worlds;
