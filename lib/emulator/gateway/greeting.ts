import { randomUUID } from 'node:crypto'
import { type Message, message } from '../postgres/protocol.js'
import { redshiftServerVersion } from './dialect.js'

/** Rows are sent in PostgreSQL's own format, which AWS's drivers call version 0. They request 2 and accept less. */
const offeredProtocolVersion = '0'

/** The parameters that Redshift reports after a login, in its order. Without a value: PostgreSQL's value, under its name there. */
const reported: readonly (readonly [name: string, value?: string | undefined, postgresName?: string])[] = [
  ['application_name'],
  ['case_sensitive', 'on'],
  ['client_encoding'],
  ['datestyle', undefined, 'DateStyle'],
  ['integer_datetimes'],
  ['is_superuser'],
  ['server_encoding', 'UNICODE'],
  ['server_version', redshiftServerVersion],
  ['session_authorization'],
  ['TimeZone'],
  ['timezone_abbreviations', 'Default'],
  ['padb_version', '1.0.63269'],
  ['padb_revision', '17187a5367'],
  ['max_numeric_precision', '38'],
  ['max_varchar_size', '65535'],
  // The emulator has no datashares. Drivers then read the catalog of the current database.
  ['datashare_enabled', 'off'],
]

/** The messages after a login, from AuthenticationOk to ReadyForQuery: PostgreSQL's, with Redshift's parameters. */
export function greeting(
  messages: readonly Message[],
  { dialect, clientProtocolVersion }: { dialect: boolean; clientProtocolVersion: string | undefined },
): Buffer {
  const values = new Map(messages.filter(({ type }) => type === 'S').map(({ body }) => parameter(body)))
  const report = dialect ? redshiftParameters(values) : [...values]
  if (dialect) report.push(['session_id', randomUUID()])
  if (dialect || clientProtocolVersion !== undefined) report.push(['server_protocol_version', offeredProtocolVersion])
  const isLater = ({ type }: Message) => type === 'K' || type === 'Z'
  const before = messages.filter(one => one.type !== 'S' && !isLater(one))
  return Buffer.concat([
    ...before.map(({ bytes }) => bytes),
    ...report.map(([name, value]) => parameterStatus(name, value)),
    ...messages.filter(isLater).map(({ bytes }) => bytes),
  ])
}

/** A parameter change during the session, as Redshift reports it. Undefined: Redshift does not report this parameter. */
export function reportedChange(body: Buffer): Buffer | undefined {
  const [postgresName, value] = parameter(body)
  const found = reported.find(([name, , other = name]) => other === postgresName)
  return found && parameterStatus(found[0], found[1] ?? value)
}

function redshiftParameters(values: ReadonlyMap<string, string>): [name: string, value: string][] {
  return reported.map(([name, value, postgresName = name]) => [name, value ?? values.get(postgresName) ?? ''])
}

function parameter(body: Buffer): [name: string, value: string] {
  const [name = '', value = ''] = body.toString('utf8').split('\0')
  return [name, value]
}

function parameterStatus(name: string, value: string): Buffer {
  return message('S', `${name}\0${value}\0`)
}
