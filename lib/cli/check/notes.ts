import type { Flags } from '../flags.js'
import type { LoginSource } from '../login/login.js'
import { adoptedFrom } from '../login/profile.js'

/** What this command reads and a program does not, and what the program needs in its place. */
export function differences(flags: Flags, source: LoginSource | undefined): string[] {
  const { AWS_CA_BUNDLE, PGHOSTADDR, PGSSLROOTCERT } = process.env
  const bundle = flags.caBundle
    ? '--ca-bundle'
    : AWS_CA_BUNDLE
      ? 'AWS_CA_BUNDLE'
      : source?.profile.caBundle && 'ca_bundle of the profile'
  const notes: string[] = []
  // Where the host names the region, a program does not need the variable.
  if (adoptedFrom('AWS_REGION') && source && source.request.region === undefined)
    notes.push('Set AWS_REGION for a program: the AWS SDK for JavaScript does not read AWS_DEFAULT_REGION.')
  if (adoptedFrom('AWS_PROFILE'))
    notes.push('Set AWS_PROFILE for a program: the AWS SDK for JavaScript does not read AWS_DEFAULT_PROFILE.')
  if (bundle) notes.push(`Set NODE_EXTRA_CA_CERTS for a program: Node.js does not read ${bundle}.`)
  if (!flags.verifySsl)
    notes.push("Set NODE_EXTRA_CA_CERTS for a program: it verifies AWS's certificate, unlike --no-verify-ssl.")
  if (PGHOSTADDR)
    notes.push("Set pg's host to the tunnel, and redshift.host to the cluster: node-postgres does not read PGHOSTADDR.")
  if (PGSSLROOTCERT)
    notes.push('Set ssl: { ca } or NODE_EXTRA_CA_CERTS for a program: node-postgres does not read PGSSLROOTCERT.')
  return notes
}

/** What a program may have wrong although all steps have passed: most end as "password authentication failed". */
export const PITFALLS: readonly string[] = [
  'Set ssl: true in the pool: without TLS, Redshift refuses an IAM login as "password authentication failed".',
  "Set user: 'IAM:alice' in a stock pool: without a user, pg takes the operating system's account, and IAM: belongs to the name.",
  'Leave connectionString out where password is a function: pg ignores the function then. Set host, database and user.',
  'Run check where the program runs: another environment can mean another AWS identity, region or host.',
]
