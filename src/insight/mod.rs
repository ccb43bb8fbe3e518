//! What can be seen of a channel from outside: how much is on its way, and what `{:?}` says.

mod flow;
