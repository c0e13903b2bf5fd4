//! What the world outside is shown, by the HTTP API and in webhooks: types whose JSON and whose description in the OpenAPI
//! document are one. What has no amount in it is shown as the command line shows it ([`crate::control`]).

mod balance;
pub mod event;
mod handoff;
mod money;
mod output;
mod page;
mod status;
pub mod text;

pub use balance::{Balance, Sum, UserBalance, UserBalanceAt};
pub use event::Event;
pub use handoff::{Handoff, Left, LeftOut, Made, SignedTransaction};
pub use money::Money;
pub use output::{Happening, Output, OutputDetail, Outputs};
pub use page::Page;
pub use status::Status;
