/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/sqlite.h"

#include "base/memory.h"

/*
 * The position is the version: 1, 2, … A migration that was released is never edited or moved;
 * what changes comes as the next one.
 */
static const char *const migrations[] = {
    /* 1: the two tables of SPEC 4 as they stand there, and what they have no room for. */
    "CREATE TABLE backup_final_status (\n"
    "    backup_date TEXT PRIMARY KEY, status TEXT NOT NULL,\n"
    "    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,\n"
    "    completed_at TIMESTAMP, total_pages INTEGER, total_keys INTEGER, backup_file_path TEXT,\n"
    "    error_message TEXT, checksum TEXT, file_size BIGINT);\n"
    "CREATE TABLE backup_page_status (\n"
    "    backup_date TEXT, page_number INTEGER, status TEXT NOT NULL,\n"
    "    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,\n"
    "    completed_at TIMESTAMP, keys_count INTEGER, file_path TEXT, error_message TEXT,\n"
    "    checksum TEXT, file_size BIGINT,\n"
    "    PRIMARY KEY (backup_date, page_number));\n"
    "CREATE TABLE backup_run (\n"
    "    backup_date TEXT PRIMARY KEY, chain_id INTEGER NOT NULL, contract TEXT NOT NULL,\n"
    "    block_number INTEGER NOT NULL, block_hash TEXT NOT NULL, block_time INTEGER NOT NULL,\n"
    "    page_size INTEGER NOT NULL, total_keys INTEGER NOT NULL, total_pages INTEGER NOT NULL,\n"
    "    generation INTEGER NOT NULL);\n"
    /* Only pages that have any. */
    "CREATE TABLE backup_page_warning (\n"
    "    backup_date TEXT, page_number INTEGER, empty_keys INTEGER NOT NULL,\n"
    "    empty_versions INTEGER NOT NULL, duplicate_keys INTEGER NOT NULL,\n"
    "    PRIMARY KEY (backup_date, page_number)) WITHOUT ROWID;\n"
    "CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY, applied_at TEXT NOT NULL);\n",
    /* 2: backups that cleanup leaves. */
    "CREATE TABLE backup_hold (backup_date TEXT PRIMARY KEY, held_at TEXT NOT NULL);\n",
    /* 3: how a run reads its pages and what they are checked against; NULL where not known. */
    "ALTER TABLE backup_run ADD COLUMN page_function TEXT;\n"
    "ALTER TABLE backup_run ADD COLUMN total_function TEXT;\n"
    "ALTER TABLE backup_run ADD COLUMN max_key_size INTEGER;\n"
    "ALTER TABLE backup_run ADD COLUMN max_value_size INTEGER;\n"
    "ALTER TABLE backup_run ADD COLUMN quorum INTEGER;\n",
    /* 4: what proved a backup, the last time of each kind. */
    "CREATE TABLE backup_check (\n"
    "    backup_date TEXT, kind TEXT, checked_at TEXT NOT NULL, outcome TEXT NOT NULL,\n"
    "    keys INTEGER NOT NULL, duration_ms INTEGER NOT NULL, message TEXT,\n"
    "    PRIMARY KEY (backup_date, kind)) WITHOUT ROWID;\n",
    /* 5: whom a run encrypts its pages to; NULL where to nobody. */
    "ALTER TABLE backup_run ADD COLUMN recipients TEXT;\n",
    /* 6: which run worked on it last, as its lines in the log say; NULL where not known. */
    "ALTER TABLE backup_run ADD COLUMN run_id TEXT;\n",
};

const int64_t scb_sqlite_version = SCB_LENGTH(migrations);

const char *scb_sqlite_migration(int64_t version)
{
    return migrations[version - 1];
}
