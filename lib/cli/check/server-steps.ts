import type { Socket } from 'node:net'
import type { Flags } from '../flags.js'
import { readBundle } from '../login/aws.js'
import { StepError } from '../terminal/failure.js'
import type { CheckedAws } from './aws-steps.js'
import { type Finding, required } from './finding.js'
import { connectTo, serverAddress } from './network.js'
import { logIn, queryServer } from './session.js'
import type { Steps } from './steps.js'
import { inspectTls } from './tls.js'

/** A new login is valid for at least 15 minutes. A much shorter lifetime is a problem of the AWS session. */
const MIN_SECONDS = 60

/** Runs the steps from the address to a query. If the host is given, they run even if the steps on AWS's side failed. */
export async function checkServer(flags: Flags, steps: Steps, found: CheckedAws | undefined): Promise<void> {
  let socket: Socket | undefined
  let ca: string | undefined
  const isHostGiven = Boolean(flags.host || process.env.PGHOST)
  const network = await steps.run('network', 'connecting', [isHostGiven ? 'target' : 'api'], async () => {
    const address = await serverAddress(required(found))
    const connected = await connectTo(address)
    socket = connected.socket
    return { ...connected.finding, address, socket }
  })
  await steps.run('tls', 'negotiating TLS', ['network'], async () => {
    ca = readCertificates()
    return inspectTls(required(network?.socket), required(network?.address).host, ca)
  })
  socket?.destroy()
  const session = await steps.run('login', 'logging in', ['api', 'tls'], () =>
    logIn(required(found), required(network?.address), ca),
  )
  await steps.run('session', 'querying the current user', ['login'], () => queryServer(required(session?.client)))
  await session?.client.end().catch(() => {})
  await steps.run('expiry', 'reading the expiry', ['api'], async () => describeExpiry(required(found)))
}

/** Undefined for Node.js's own root certificates, which include Amazon's. */
function readCertificates(): string | undefined {
  const path = process.env.PGSSLROOTCERT
  return path && path !== 'system' ? readBundle(path, 'PGSSLROOTCERT') : undefined
}

function describeExpiry({ source, login }: CheckedAws): Finding {
  const user = login && 'user' in login ? login.user : undefined
  const state = source.redshift.status().find(status => status.user === user)
  const { expiration, refreshAt, phase } = required(state)
  const left = Math.round((required(expiration).getTime() - Date.now() + (source.aws.clockAheadMillis() ?? 0)) / 1_000)
  if (left < MIN_SECONDS || phase === 'expired')
    throw new StepError(
      'SHORT_LIFETIME',
      `AWS returned a login that ${left > 0 ? `expires in ${left} s` : 'has already expired'}, because the AWS session that requested it is about to end. Renew that session: run \`aws sso login\`, or assume the role again.`,
    )
  return {
    summary: `expires ${format(expiration)}, in ${Math.floor(left / 60)} min ${left % 60} s; refreshed on use after ${format(refreshAt)}`,
    details: { expiration, refreshAt, secondsLeft: left },
  }
}

const format = (date: Date | undefined): string => date?.toISOString().replace(/\.\d+Z$/, 'Z') ?? 'unknown'
