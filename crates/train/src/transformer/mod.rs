//! Transformers: a pretrained encoder is fine-tuned to a task and becomes the teacher of one made of polynomials.

pub mod augment;
pub mod batches;
pub mod calibrate;
pub mod care;
pub mod convert;
pub mod fold;
pub mod guide;
pub mod learn;
mod least;
pub mod memory;
pub mod ops;
pub mod optimiser;
pub mod recipe;
pub mod student;
pub mod table;
pub mod teacher;

pub use batches::Lesson;
pub use candle_core::DType;
pub use care::{Care, Help};
pub use guide::Guide;
pub use learn::{Learner, Part, Progress, Schedule};
pub use memory::Memory;
pub use recipe::{Texts, Words};
pub use student::{Standing, Student};
pub use teacher::Teacher;
