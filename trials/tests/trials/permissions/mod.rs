//! What the published policies and the roles allow: nothing in it is superfluous.

mod roles;
