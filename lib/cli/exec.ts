import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Flags } from './flags.js'
import { readBundle } from './login/aws.js'
import { AMAZON_ROOTS, connectionOf, libpqVariables, MISLEADING } from './login/connection.js'
import { fetchLogin, openSource } from './login/login.js'
import { toOptions } from './login/options.js'
import { endLike, startCommand } from './run-command.js'
import { UsageError } from './terminal/failure.js'

/** `exec`: runs a command that finds the login in its environment, and ends as the command ends. */
export async function exec(
  flags: Flags,
  command: string,
  parameters: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<void> {
  if (flags.identityCenter)
    throw new UsageError(
      "exec gives the program a user and a password, which cannot be a token. Use RedshiftPool with api: 'GetIdentityCenterAuthToken' in the program.",
    )
  const options = toOptions(flags, 'connect')
  const source = await openSource(flags, options)
  let variables: Record<string, string>
  try {
    const login = await fetchLogin(source)
    variables = libpqVariables(await connectionOf(source, login, options.dbName ?? options.database))
  } finally {
    await source.close()
  }
  const certificates = extraCertificates(variables.PGSSLROOTCERT)
  if (certificates !== undefined) variables.PGSSLROOTCERT = certificates
  const inherited = Object.entries(env).filter(([name]) => !MISLEADING.includes(name))
  const { ended } = startCommand(command, parameters, { ...Object.fromEntries(inherited), ...variables })
  const end = await ended
  if (certificates !== undefined) rmSync(dirname(certificates), { recursive: true, force: true })
  endLike(end)
}

/**
 * libpq reads one file of certificates, and not NODE_EXTRA_CA_CERTS, which Node.js adds to its own roots. Writes a file with both, in a
 * folder of its own; undefined where PGSSLROOTCERT names a file.
 */
function extraCertificates(roots: string | undefined): string | undefined {
  const extra = process.env.NODE_EXTRA_CA_CERTS
  if (!extra || roots !== AMAZON_ROOTS) return undefined
  const both = `${readFileSync(roots, 'utf8')}\n${readBundle(extra, 'NODE_EXTRA_CA_CERTS')}`
  const file = join(mkdtempSync(join(tmpdir(), 'pg-redshift-iam-')), 'roots.pem')
  writeFileSync(file, both)
  return file
}
