import type { Flags } from '../flags.js'
import { adoptedFrom } from '../login/profile.js'
import type { LoginSource } from '../login/source.js'

/** Settings that `check` uses and a program ignores, each with what the program needs instead. */
export function settingsIgnoredByPrograms(flags: Flags, source: LoginSource | undefined): string[] {
  const { AWS_CA_BUNDLE, NODE_EXTRA_CA_CERTS, PGHOSTADDR, PGSSLROOTCERT } = process.env
  const bundle = flags.caBundle
    ? '--ca-bundle'
    : AWS_CA_BUNDLE
      ? 'AWS_CA_BUNDLE'
      : source?.profile.caBundle && 'ca_bundle of the profile'
  const bundleFile = flags.caBundle ?? (AWS_CA_BUNDLE || source?.profile.caBundle)
  const notes: string[] = []
  // If the host names the region, a program does not need the variable.
  if (adoptedFrom('AWS_REGION') && source && source.request.region === undefined)
    notes.push('Set AWS_REGION for a program: the AWS SDK for JavaScript does not read AWS_DEFAULT_REGION.')
  if (adoptedFrom('AWS_PROFILE'))
    notes.push('Set AWS_PROFILE for a program: the AWS SDK for JavaScript does not read AWS_DEFAULT_PROFILE.')
  // A program trusts the same file if NODE_EXTRA_CA_CERTS names it.
  if (bundle && bundleFile !== NODE_EXTRA_CA_CERTS)
    notes.push(`Set NODE_EXTRA_CA_CERTS for a program: Node.js does not read ${bundle}.`)
  if (!flags.verifySsl)
    notes.push("Set NODE_EXTRA_CA_CERTS for a program: it verifies AWS's certificate, unlike --no-verify-ssl.")
  if (PGHOSTADDR)
    notes.push("Set pg's host to the tunnel, and redshift.host to the cluster: node-postgres does not read PGHOSTADDR.")
  if (PGSSLROOTCERT && PGSSLROOTCERT !== NODE_EXTRA_CA_CERTS)
    notes.push('Set ssl: { ca } or NODE_EXTRA_CA_CERTS for a program: node-postgres does not read PGSSLROOTCERT.')
  return notes
}

/** Mistakes that a program can contain although all steps pass. Most end as "password authentication failed". */
export const COMMON_MISTAKES: readonly string[] = [
  'Set ssl: true in the pool: without TLS, Redshift refuses an IAM login with "password authentication failed".',
  "Set user: 'IAM:alice' in a stock pool, with the prefix: without a user, pg uses the operating system's account.",
  'Remove connectionString if password is a function: pg ignores the function then. Set host, database and user.',
  'Run check where the program runs: the AWS identity, region and host may differ there.',
]
