//! Backups, restores, exports and imports, by the commands, between servers.

mod backup;
mod command;
mod export;
mod quarantined;
mod restore;
