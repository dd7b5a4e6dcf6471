import { readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Flags } from './flags.js'
import { createCertificateFolder, readExtraCertificates, writeCertificates } from './login/certificates.js'
import { AMAZON_ROOTS, connectionOf, libpqVariables, OVERRIDING_VARIABLES } from './login/connection.js'
import { toOptions } from './login/options.js'
import { fetchLogin, openSource } from './login/source.js'
import { endLike, startCommand } from './run-command.js'
import { UsageError } from './terminal/failure.js'

/** `exec`: runs a command with a login in its environment, and ends as the command ends. */
export async function exec(
  flags: Flags,
  command: string,
  parameters: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<void> {
  if (flags.identityCenter)
    throw new UsageError(
      "exec gives the command a user and a password, not a token. Use RedshiftPool with api: 'GetIdentityCenterAuthToken' in your program.",
    )
  const options = toOptions(flags, 'connect')
  const source = await openSource(flags, options)
  let variables: Record<string, string>
  try {
    const login = await fetchLogin(source)
    variables = libpqVariables(await connectionOf(source, login, options.database))
  } finally {
    await source.close()
  }
  const certificates = withExtraCertificates(variables.PGSSLROOTCERT)
  if (certificates !== undefined) variables.PGSSLROOTCERT = certificates
  const inherited = Object.entries(env).filter(([name]) => !OVERRIDING_VARIABLES.includes(name))
  const { ended } = startCommand(command, parameters, { ...Object.fromEntries(inherited), ...variables })
  const end = await ended
  if (certificates !== undefined) rmSync(dirname(certificates), { recursive: true, force: true })
  endLike(end)
}

/**
 * Writes a temporary file with Amazon's root certificates and those in NODE_EXTRA_CA_CERTS, because libpq reads only one file. Returns its
 * path; undefined if there are none, or if PGSSLROOTCERT replaces Amazon's.
 */
function withExtraCertificates(roots: string | undefined): string | undefined {
  if (roots !== AMAZON_ROOTS) return undefined
  const extra = readExtraCertificates(process.env.NODE_EXTRA_CA_CERTS)
  if (extra === undefined) return undefined
  const file = join(createCertificateFolder('pg-redshift-iam-'), 'roots.pem')
  writeCertificates(file, `${readFileSync(roots, 'utf8')}\n${extra}`)
  return file
}
