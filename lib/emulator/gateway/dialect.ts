import type { Refusal } from '../logins.js'
import { configuration } from './configuration.js'
import { masked, type Statement, statements } from './sql-statements.js'
import { parameterRefusal } from './start-parameters.js'

/** The version that Redshift reports: the PostgreSQL version that it is based on. */
export const redshiftServerVersion = '8.0.2'

const redshiftVersion =
  'PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat 3.4.2-6.fc3), Redshift 1.0.12103'

/** SQL that Redshift refuses. Patterns are matched against one statement, with its strings, comments and quoted names masked. */
interface Rule {
  readonly pattern: RegExp
  /** Only statements that match this too. */
  readonly within?: RegExp
  readonly sqlstate: string
  /** Receives the groups of both patterns, unmasked, and the whole statement. */
  readonly message: (groups: Readonly<Record<string, string>>, statement: string) => string
}

const syntaxError: Rule['message'] = ({ token }) => `syntax error at or near "${token}"`
const notSupported: Rule['message'] = (_, statement) => `SQL command "${statement}" not supported`
const notOnTables: Rule['message'] = (_, statement) => `SQL command "${statement}" not supported on Redshift tables.`

/** A statement that declares columns with types. `CREATE TABLE … AS` does not. */
const tableStatement =
  /^(?![\s\S]*\bas\s*(?:\(|select\b|with\b))(?:create(?:\s+(?:local|global))?(?:\s+temp(?:orary)?)?|alter)\s+table\s+(?:if\s+(?:not\s+)?exists\s+)?(?:[\w"]+\.)?(?<table>[\w"]+)/i
const column = String.raw`(?:[(,]|\badd(?:\s+column)?\b)\s*(?!(?:column|constraint)\s)(?<column>[\w"]+)\s+`
const unsupportedType = String.raw`(?<type>(?:small|big)?serial|uuid|json|\w+\s*\[\s*\d*\s*\])(?!\w)`
const configurationNames = Object.keys(configuration).join('|')
const sessionParameter = String.raw`\s+(?:session\s+|local\s+)?`
const setStatement = new RegExp(
  String.raw`^set${sessionParameter}(?<name>\w+)\s*(?:=|to\b)\s*(?<value>'[^']*'|[^\s,]+)`,
  'di',
)

/** Messages and SQLSTATEs as users have reported them. Those for savepoints, NOTIFY and SET TIME ZONE INTERVAL are copied from UNLISTEN. */
const rules: readonly Rule[] = [
  { pattern: /^create\s+(?<token>extension)\b/i, sqlstate: '42601', message: syntaxError },
  { pattern: /^(?<token>discard)\b/i, sqlstate: '42601', message: syntaxError },
  { pattern: /\b(?<token>on)\s+conflict\b/i, sqlstate: '42601', message: syntaxError },
  { pattern: /\b(?<token>returning)\b/i, sqlstate: '42601', message: syntaxError },
  { pattern: /^create\s+(?:unique\s+)?index\b/i, sqlstate: '0A000', message: notOnTables },
  { pattern: /^(?:(?:un)?listen|notify)\b/i, sqlstate: '0A000', message: notSupported },
  { pattern: /^(?:savepoint|release|rollback\s+(?:\w+\s+)?to)\b/i, sqlstate: '0A000', message: notSupported },
  { pattern: /^set\s+time\s+zone\s+interval\b/i, sqlstate: '0A000', message: notSupported },
  {
    pattern: new RegExp(`^set${sessionParameter}client_min_messages\\s*(?:=|to\\b)\\s*(?<value>'[^']*'|\\w+)`, 'i'),
    sqlstate: '42501',
    message: ({ value = '' }) =>
      `permission denied to set parameter "client_min_messages" to "${value.replaceAll("'", '').toLowerCase()}"`,
  },
  {
    pattern: /^show\s+(?<name>standard_conforming_strings|server_version_num)\b/i,
    sqlstate: '42704',
    message: ({ name = '' }) => `unrecognized configuration parameter "${name.toLowerCase()}"`,
  },
  {
    within: tableStatement,
    pattern: new RegExp(column + unsupportedType, 'i'),
    sqlstate: '0A000',
    message: ({ table = '', column = '', type = '' }) =>
      `Column "${unquoted(table)}.${unquoted(column)}" has unsupported type "${type.toLowerCase().replace(/\s+/g, '')}".`,
  },
  {
    within: tableStatement,
    pattern: new RegExp(String.raw`(?:${column}|\btype\s+)jsonb\b`, 'i'),
    sqlstate: '42704',
    message: () => 'type "jsonb" does not exist',
  },
  { pattern: /::\s*jsonb\b|\bas\s+jsonb\s*\)/i, sqlstate: '42704', message: () => 'type "jsonb" does not exist' },
  { pattern: /\btyparray\b/i, sqlstate: '42703', message: () => 'column "typarray" does not exist' },
  {
    pattern: /\b(?<name>pg_(?:try_)?advisory_\w+)\s*\(/i,
    sqlstate: '42883',
    message: ({ name = '' }) => `function ${name.toLowerCase()}("unknown") does not exist`,
  },
  {
    pattern: /\b(?<name>gen_random_uuid|uuid_generate_v4)\s*\(/i,
    sqlstate: '42883',
    message: ({ name = '' }) => `function ${name.toLowerCase()}() does not exist`,
  },
]

/** SQL that only Redshift understands, or that returns something else there. */
const rewrites: readonly {
  readonly pattern: RegExp
  readonly to: (groups: readonly (string | undefined)[]) => string
}[] = [
  {
    pattern: /(?<![\w."])(?:pg_catalog\s*\.\s*)?version\s*\(\s*\)/gi,
    to: () => `(SELECT '${redshiftVersion}'::text AS version)`,
  },
  {
    pattern: /(?<=^|;)\s*show\s+server_version\b/gi,
    to: () => `SELECT '${redshiftServerVersion}'::text AS server_version`,
  },
  {
    pattern: new RegExp(String.raw`(?<=^|;)\s*(set(?:\s+(?:session|local))?|reset)\s+(${configurationNames})\b`, 'gi'),
    to: ([, verb, name]) => `${verb} redshift.${name}`,
  },
  {
    pattern: new RegExp(String.raw`(?<=^|;)\s*show\s+(${configurationNames})\b`, 'gi'),
    to: ([, name]) => `SELECT current_setting('redshift.${name}') AS ${name}`,
  },
  {
    pattern: /\bidentity\s*\(\s*(\d+)\s*,\s*(\d+)\s*\)/gi,
    to: ([, first, step]) => `GENERATED BY DEFAULT AS IDENTITY (START WITH ${first} INCREMENT BY ${step})`,
  },
  { pattern: /(?<=\bvarchar\s*\(\s*)max(?=\s*\))/gi, to: () => '65535' },
  { pattern: /\bdiststyle\s+\w+|\b(?:distkey|(?:compound\s+|interleaved\s+)?sortkey)\s*\([^)]*\)/gi, to: () => '' },
]

/** Redshift's error for this SQL, or SQL for PostgreSQL with the same result. */
export function toPostgres(sql: string): { readonly refusal: Refusal } | { readonly sql: string } {
  for (const statement of statements(sql)) {
    for (const rule of rules) {
      const refusal = refuse(rule, statement)
      if (refusal) return { refusal }
    }
    const refusal = refuseSetting(statement)
    if (refusal) return { refusal }
  }
  return { sql: rewrites.reduce(rewrite, sql) }
}

function refuse({ pattern, within, sqlstate, message }: Rule, { sql, masked }: Statement) {
  const groups: Record<string, string> = {}
  for (const part of within ? [within, pattern] : [pattern]) {
    const match = new RegExp(part, `${part.flags}d`).exec(masked)
    if (!match) return undefined
    for (const [name, range] of Object.entries(match.indices?.groups ?? {}))
      if (range) groups[name] = sql.slice(...range)
  }
  return { sqlstate, message: message(groups, sql) }
}

/** `SET` has the parameters of a start-up packet. */
function refuseSetting({ sql, masked }: Statement): Refusal | undefined {
  const { name, value } = setStatement.exec(masked)?.indices?.groups ?? {}
  if (!name || !value) return undefined
  return parameterRefusal(sql.slice(...name).toLowerCase(), sql.slice(...value).replaceAll("'", ''))
}

function rewrite(sql: string, { pattern, to }: (typeof rewrites)[number]): string {
  let out = ''
  let from = 0
  for (const match of masked(sql).matchAll(pattern)) {
    out += sql.slice(from, match.index) + to(match)
    from = match.index + match[0].length
  }
  return out + sql.slice(from)
}

function unquoted(name: string): string {
  return name.replaceAll('"', '')
}
