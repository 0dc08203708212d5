//! The runtime over both of its stores: runs, crashes, and that the two stores are one.

mod asks;
mod crash;
mod postgres;
mod runs;
mod stores;
mod support;
