"""Pure logic: frames and rows in, frames and rows out. No Dagster, no network, no paths of the lake."""
