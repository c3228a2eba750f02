//! The tables, as they are after the last migration, for whoever goes through all of them.

/// A table.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    /// What its rows are ordered by, one after the other.
    pub(super) key: &'static str,
    pub(super) columns: &'static [(&'static str, Column)],
}

/// What a column holds, or NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    /// A whole number (`BIGINT`).
    Number,
    /// Text (`TEXT`).
    Text,
}

use Column::{Number, Text};

impl Table {
    /// The names of the columns, as SQL lists them.
    pub(super) fn names(&self) -> String {
        self.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }
}

/// All tables but `meta`, those that others refer to first.
pub(super) const TABLES: [Table; 12] = [
    Table {
        name: "gateways",
        key: "name",
        columns: &[("name", Text), ("incarnation", Number), ("started_at", Number)],
    },
    Table { name: "counters", key: "name", columns: &[("name", Text), ("last", Number)] },
    Table {
        name: "requests",
        key: "id",
        columns: &[
            ("id", Number),
            ("state", Text),
            ("person", Text),
            ("role", Text),
            ("login", Text),
            ("asked_ms", Number),
            ("duration_ms", Number),
            ("reason", Text),
            ("asked_at", Number),
            ("starts_at", Number),
            ("needed", Number),
            ("grant_id", Number),
            ("extends", Number),
            ("decided_by", Text),
            ("decided_at", Number),
            ("decided_note", Text),
        ],
    },
    Table {
        name: "request_targets",
        key: "request, position",
        columns: &[("request", Number), ("position", Number), ("target", Text)],
    },
    Table {
        name: "approvals",
        key: "request, position",
        columns: &[("request", Number), ("position", Number), ("approver", Text), ("at", Number), ("note", Text)],
    },
    Table {
        name: "grants",
        key: "id",
        columns: &[
            ("id", Number),
            ("request", Number),
            ("person", Text),
            ("role", Text),
            ("login", Text),
            ("starts_at", Number),
            ("expires_at", Number),
            ("started", Number),
            ("used", Number),
            ("ended_at", Number),
            ("ended_why", Text),
            ("ended_note", Text),
            ("ended_by", Text),
        ],
    },
    Table {
        name: "grant_targets",
        key: "grant_id, position",
        columns: &[("grant_id", Number), ("position", Number), ("target", Text), ("person", Text)],
    },
    Table {
        name: "sessions",
        key: "id",
        columns: &[
            ("id", Number),
            ("grant_id", Number),
            ("person", Text),
            ("target", Text),
            ("login", Text),
            ("role", Text),
            ("protocol", Text),
            ("client", Text),
            ("client_version", Text),
            ("started_at", Number),
            ("ended_at", Number),
            ("ended_why", Text),
            ("gateway", Text),
            ("incarnation", Number),
        ],
    },
    Table {
        name: "recordings",
        key: "session, channel",
        columns: &[
            ("session", Number),
            ("channel", Number),
            ("kind", Text),
            ("command", Text),
            ("path", Text),
            ("started_at", Number),
            ("bytes", Number),
            ("sealed_at", Number),
            ("seal", Text),
        ],
    },
    Table {
        name: "audit",
        key: "gateway, seq",
        columns: &[
            ("seq", Number),
            ("at", Text),
            ("actor", Text),
            ("action", Text),
            ("subject", Text),
            ("detail", Text),
            ("prev", Text),
            ("hash", Text),
            ("gateway", Text),
            ("incarnation", Number),
        ],
    },
    Table {
        name: "audit_checkpoints",
        key: "gateway, seq",
        columns: &[
            ("seq", Number),
            ("hash", Text),
            ("at", Text),
            ("key_id", Text),
            ("signature", Text),
            ("gateway", Text),
            ("incarnation", Number),
        ],
    },
    Table {
        name: "audit_names",
        key: "gateway, seq, kind, name",
        columns: &[("kind", Text), ("name", Text), ("seq", Number), ("gateway", Text), ("incarnation", Number)],
    },
];
