"""New crates: what is asked for, what is planned, and the folder that is proved before it lands."""
