//! The tables of the desk. Three of them are filled by whoever opens reports; they are defined here too, so that the desk
//! runs without that server, on what was imported. One text for SQLite and PostgreSQL.

use crate::hub::database::{Database, DatabaseError};

/// What operators publish.
pub const PUBLISHED: &str = "
CREATE TABLE IF NOT EXISTS indicators (
  lane TEXT NOT NULL, epoch BIGINT NOT NULL, name TEXT NOT NULL, category TEXT NOT NULL,
  households BIGINT NOT NULL, refused BIGINT NOT NULL, regions TEXT NOT NULL, confidence TEXT NOT NULL, at BIGINT NOT NULL,
  PRIMARY KEY (lane, epoch, name, category));
CREATE TABLE IF NOT EXISTS cells (
  epoch BIGINT NOT NULL, cell BIGINT NOT NULL, households DOUBLE PRECISION NOT NULL, deviation DOUBLE PRECISION NOT NULL,
  PRIMARY KEY (epoch, cell));
CREATE TABLE IF NOT EXISTS batches (
  epoch BIGINT PRIMARY KEY, reports BIGINT NOT NULL, variance BIGINT NOT NULL, flip_one_in BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS answers (
  epoch BIGINT NOT NULL, grp BIGINT NOT NULL, yes BIGINT NOT NULL, asked BIGINT NOT NULL, PRIMARY KEY (epoch, grp));
";

/// What people do with it.
const TRIAGE: &str = "
CREATE TABLE IF NOT EXISTS triage_state (
  name TEXT NOT NULL, category TEXT NOT NULL, state TEXT NOT NULL, changed BIGINT NOT NULL,
  PRIMARY KEY (name, category));
CREATE TABLE IF NOT EXISTS triage_step (
  id BIGINT PRIMARY KEY, name TEXT NOT NULL, category TEXT NOT NULL, step TEXT NOT NULL, account TEXT NOT NULL,
  role TEXT NOT NULL, reason TEXT NOT NULL, note TEXT NOT NULL, evidence TEXT NOT NULL, at BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS triage_audit (
  id BIGINT PRIMARY KEY, at BIGINT NOT NULL, account TEXT NOT NULL, deed TEXT NOT NULL, detail TEXT NOT NULL,
  previous BYTEA NOT NULL, digest BYTEA NOT NULL);
CREATE TABLE IF NOT EXISTS triage_account (
  name TEXT PRIMARY KEY, role TEXT NOT NULL, password TEXT NOT NULL, created BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS triage_session (
  digest BYTEA PRIMARY KEY, account TEXT NOT NULL, created BIGINT NOT NULL, seen BIGINT NOT NULL);
";

/// What was said to others, version by version.
const FEED: &str = "
CREATE TABLE IF NOT EXISTS feed_object (
  added BIGINT PRIMARY KEY, id TEXT NOT NULL, version BIGINT NOT NULL, digest TEXT NOT NULL, object TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS feed_object_id ON feed_object (id, version);
";

/// Makes what is missing.
pub fn create(database: &Database) -> Result<(), DatabaseError> {
    database.define(PUBLISHED)?;
    database.define(TRIAGE)?;
    database.define(FEED)
}
