import { type ReadConnection, readConnection } from './connection.js'
import type { Environment } from './environment.js'
import { optionError, quoted } from './errors.js'
import { checkDatabaseName } from './identifiers.js'
import type { RedshiftApi, RedshiftOptions } from './options.js'

/** Determines the database that the login is for, and checks that the connection opens the same one. */
export function databaseName(
  options: RedshiftOptions,
  connection: ReadConnection,
  env: Environment,
  api: RedshiftApi,
): string | undefined {
  const actual = readConnection(connection, 'database')
  if (options.dbName === null) return undefined
  const isDefault = connection.mayBeFallback && actual === connection.user
  const dbName = options.dbName ?? options.database ?? ((isDefault ? undefined : actual) || env.PGDATABASE || undefined)
  const remedy = 'dbName: null for a login that is valid for every database.'
  if (dbName === undefined)
    throw optionError(
      `No database is set, and pg would use the name of the user. Set database or PGDATABASE, or set ${remedy}`,
    )
  if (options.database !== undefined && options.database !== dbName)
    throw optionError(
      `The login is for the dbName ${quoted(dbName)}, but database is ${quoted(options.database)}. Leave dbName out, or set ${remedy}`,
    )
  if (actual !== undefined && actual !== dbName)
    throw optionError(
      `The login is for the database ${quoted(dbName)}, but the connection opens ${quoted(actual)}. ` +
        (isDefault
          ? 'Set database in the configuration of pg: pg uses the name of the user if none is set.'
          : `Leave ${options.dbName === undefined ? 'database' : 'dbName'} out of the options, or set ${remedy}`),
    )
  // AWS documents a rule for database names, except for GetClusterCredentialsWithIAM.
  if (api !== 'GetClusterCredentialsWithIAM') checkDatabaseName(options.dbName ? 'dbName' : 'database', dbName)
  return dbName
}
