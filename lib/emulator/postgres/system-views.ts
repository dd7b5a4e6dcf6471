import { createHash } from 'node:crypto'
import type pg from 'pg'

const database = 'current_database()::varchar(128)'
const noString = 'NULL::varchar(128)'

/** Not by regclass, which fails if the caller may read a table but not use its schema. */
const relation =
  'FROM pg_class WHERE relname = table_name AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = table_schema)'

/** Tables and views that the caller may see. */
const tables = `
  SELECT table_schema::varchar(128) AS schema_name, table_name::varchar(128) AS table_name,
    CASE table_type WHEN 'VIEW' THEN 'VIEW' ELSE 'TABLE' END::varchar(128) AS table_type,
    (SELECT obj_description(oid, 'pg_class') ${relation})::varchar(256) AS remarks
  FROM information_schema.tables`

const columns = `
  SELECT table_schema::varchar(128) AS schema_name, table_name::varchar(128) AS table_name,
    column_name::varchar(128) AS column_name, ordinal_position::integer AS ordinal_position,
    column_default::varchar(4000) AS column_default, is_nullable::varchar(3) AS is_nullable, data_type::varchar(128) AS data_type,
    character_maximum_length::integer AS character_maximum_length, numeric_precision::integer AS numeric_precision,
    numeric_scale::integer AS numeric_scale,
    (SELECT col_description(oid, ordinal_position) ${relation})::varchar(256) AS remarks
  FROM information_schema.columns`

const schemas = `
  SELECT ${database} AS database_name, nspname::varchar(128) AS schema_name, nspowner::bigint::integer AS schema_owner,
    'local'::varchar(128) AS schema_type, nspacl::varchar(256) AS schema_acl`

/**
 * The system views of Redshift that AWS's JDBC and Python drivers, DBeaver, dbt and Metabase query before a user's first query, with the
 * columns that AWS documents. The emulator has no external and no shared objects. A query of any other view fails: the relation does not
 * exist.
 */
const views: Readonly<Record<string, string>> = {
  svv_redshift_databases: `SELECT datname::varchar(128) AS database_name, datdba::bigint::integer AS database_owner,
    'local'::varchar(32) AS database_type, datacl::varchar(128) AS database_acl, ${noString} AS database_options,
    'Snapshot Isolation'::varchar(128) AS database_isolation_level FROM pg_database WHERE NOT datistemplate`,
  svv_redshift_schemas: `${schemas}, ${noString} AS schema_option FROM pg_namespace`,
  svv_all_schemas: `${schemas}, ${noString} AS source_database, ${noString} AS schema_option FROM pg_namespace`,
  svv_redshift_tables: `SELECT ${database} AS database_name, schema_name, table_name, table_type, ${noString} AS table_acl, remarks,
    ${noString} AS table_owner FROM (${tables}) t`,
  svv_all_tables: `SELECT ${database} AS database_name, schema_name, table_name, table_type, ${noString} AS table_acl, remarks
    FROM (${tables}) t`,
  svv_tables: `SELECT ${database} AS table_catalog, schema_name AS table_schema, table_name,
    CASE table_type WHEN 'TABLE' THEN 'BASE TABLE' ELSE table_type END AS table_type, remarks FROM (${tables}) t`,
  svv_redshift_columns: `SELECT ${database} AS database_name, c.*, 'none'::varchar(128) AS encoding, false AS distkey, 0 AS sortkey,
    ${noString} AS column_acl FROM (${columns}) c`,
  svv_all_columns: `SELECT ${database} AS database_name, c.* FROM (${columns}) c`,
  svv_columns: `SELECT ${database} AS table_catalog, schema_name AS table_schema, table_name, column_name, ordinal_position,
    column_default, is_nullable, data_type, character_maximum_length, numeric_precision, 10 AS numeric_precision_radix,
    numeric_scale, NULL::integer AS datetime_precision, ${noString} AS interval_type, ${noString} AS interval_precision,
    ${noString} AS character_set_catalog, ${noString} AS character_set_schema, ${noString} AS character_set_name,
    ${noString} AS collation_catalog, ${noString} AS collation_schema, ${noString} AS collation_name, ${noString} AS domain_name, remarks
    FROM (${columns}) c`,
  svv_external_schemas: `SELECT 0 AS esoid, 0 AS eskind, ${noString} AS schemaname, 0 AS esowner, ${noString} AS databasename,
    ${noString} AS esoptions WHERE false`,
  svv_external_tables: `SELECT ${database} AS redshift_database_name, ${noString} AS schemaname, ${noString} AS tablename,
    ${noString} AS tabletype, ${noString} AS location, ${noString} AS input_format, ${noString} AS output_format,
    ${noString} AS serialization_lib, ${noString} AS serde_parameters, 0 AS compressed, ${noString} AS parameters WHERE false`,
  svv_external_columns: `SELECT ${database} AS redshift_database_name, ${noString} AS schemaname, ${noString} AS tablename,
    ${noString} AS columnname, ${noString} AS external_type, 0 AS columnnum, 0 AS part_key, ${noString} AS is_nullable WHERE false`,
  // On Redshift a table without rows is not in this view.
  svv_table_info: `SELECT ${database} AS database, n.nspname::varchar(128) AS schema, c.oid::bigint AS table_id,
    c.relname::varchar(128) AS "table", 'N'::varchar(32) AS encoded, 'AUTO(ALL)'::varchar(32) AS diststyle, ${noString} AS sortkey1,
    0 AS max_varchar, ${noString} AS sortkey1_enc, 0 AS sortkey_num, ceil(pg_table_size(c.oid) / 1048576.0)::bigint AS size,
    0::numeric(10, 4) AS pct_used, 0::bigint AS empty, 0::numeric(5, 2) AS unsorted, 0::numeric(5, 2) AS stats_off,
    greatest(c.reltuples, s.n_live_tup)::numeric(38, 0) AS tbl_rows, NULL::numeric(19, 2) AS skew_sortkey1,
    NULL::numeric(19, 2) AS skew_rows, greatest(c.reltuples, s.n_live_tup)::numeric(38, 0) AS estimated_visible_rows,
    NULL::text AS risk_event, NULL::numeric(12, 2) AS vacuum_sort_benefit, NULL::timestamp AS create_time
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_stat_user_tables s ON s.relid = c.oid
    WHERE c.relkind = 'r' AND greatest(c.reltuples, s.n_live_tup) > 0`,
  svv_relation_privileges: `SELECT table_schema::varchar(128) AS namespace_name, table_name::varchar(128) AS relation_name,
    privilege_type::varchar(128) AS privilege_type, COALESCE(r.oid::bigint::integer, 0) AS identity_id,
    lower(CASE grantee WHEN 'PUBLIC' THEN 'public' ELSE grantee END)::varchar(128) AS identity_name,
    CASE grantee WHEN 'PUBLIC' THEN 'public' ELSE 'user' END::varchar(32) AS identity_type, is_grantable = 'YES' AS admin_option
    FROM information_schema.table_privileges LEFT JOIN pg_roles r ON r.rolname = grantee`,
  svv_mv_info: `SELECT ${database} AS database_name, schemaname::varchar(128) AS schema_name, matviewowner::varchar(128) AS user_name,
    matviewname::varchar(128) AS name, 'f'::char(1) AS is_stale, 0 AS state, 'f'::char(1) AS autorewrite, 'f'::char(1) AS autorefresh
    FROM pg_matviews`,
  stv_sessions: `SELECT starttime, process, user_name, db_name, 0 AS timeout_sec FROM redshift_sessions()`,
  pg_user_info: `SELECT usename, usesysid, usecreatedb, usesuper, usesuper AS usecatupd, passwd, valuntil, useconfig,
    'UNLIMITED'::text AS useconnlimit FROM pg_user`,
  pg_proc_info: 'SELECT oid AS prooid, pg_proc.* FROM pg_proc',
}

/** PostgreSQL shows a session to its login role, Redshift to its database user. So a function reads the sessions as the superuser. */
const functions = `
  CREATE OR REPLACE FUNCTION pg_catalog.redshift_sessions()
    RETURNS TABLE (starttime timestamp, process integer, user_name char(50), db_name char(50))
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS
    $$ SELECT backend_start::timestamp, pid, usename::char(50), datname::char(50) FROM pg_stat_activity
      WHERE backend_type = 'client backend' AND pg_has_role(session_user, usesysid, 'MEMBER') $$;
  CREATE OR REPLACE FUNCTION pg_catalog.pg_get_late_binding_view_cols() RETURNS SETOF record LANGUAGE sql STABLE AS
    $$ SELECT ''::name, ''::name, ''::name, ''::varchar, 0 WHERE false $$;
  CREATE OR REPLACE FUNCTION pg_catalog.getdate() RETURNS timestamp LANGUAGE sql STABLE AS $$ SELECT date_trunc('second', localtimestamp) $$;`

const definitions = `
  SET LOCAL allow_system_table_mods = on;
  ${functions}
  ${Object.entries(views)
    .map(([name, query]) => {
      const view = `pg_catalog.${name}`
      return `DROP VIEW IF EXISTS ${view}; CREATE VIEW ${view} AS ${query}; GRANT SELECT ON ${view} TO PUBLIC;`
    })
    .join('\n')}`

/** Identifies the views of this release, on a server that outlives the emulator. */
const mark = createHash('sha256').update(definitions).digest('hex').slice(0, 16)

/** Creates the system views in the client's database, unless they exist. One transaction: all of them, or none. */
export async function createSystemViews(client: pg.Client): Promise<void> {
  const { rows } = await client.query(
    `SELECT obj_description(to_regclass('pg_catalog.svv_redshift_databases'), 'pg_class') AS mark`,
  )
  if (rows[0]?.mark === mark) return
  await client.query(`BEGIN; ${definitions} COMMENT ON VIEW pg_catalog.svv_redshift_databases IS '${mark}'; COMMIT`)
}
