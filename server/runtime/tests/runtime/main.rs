//! The runtime over both of its stores: runs, crashes, and that the two stores are one.

mod asked;
mod asks;
mod batches;
mod continuing;
mod crash;
mod damage;
mod intake;
mod keeping;
mod kept;
mod lines;
mod logs;
mod operating;
mod operations;
mod postgres;
mod replicas;
mod runs;
mod sleeping;
mod slept;
mod stores;
mod support;
mod undoing;
mod worlds;
