import type { Socket } from 'node:net'
import type { Flags } from '../flags.js'
import { readBundle } from '../login/aws.js'
import { StepError } from '../terminal/failure.js'
import type { CheckedAws } from './aws-steps.js'
import { type Finding, known } from './finding.js'
import { connectTo, serverAddress } from './network.js'
import { logIn, queryServer } from './session.js'
import type { Steps } from './steps.js'
import { inspectTls } from './tls.js'

/** A login that ends sooner is of little use: AWS gives at least 15 minutes. */
const LEAST_SECONDS = 60

/** The steps from the address to a query. Where the host is known, they do not wait for those on AWS's side. */
export async function checkServer(flags: Flags, steps: Steps, found: CheckedAws | undefined): Promise<void> {
  let socket: Socket | undefined
  let ca: string | undefined
  const hostKnown = Boolean(flags.host || process.env.PGHOST)
  const network = await steps.run('network', 'connecting', [hostKnown ? 'target' : 'api'], async () => {
    const address = await serverAddress(known(found))
    const connected = await connectTo(address)
    socket = connected.socket
    return { ...connected.finding, address, socket }
  })
  await steps.run('tls', 'negotiating TLS', ['network'], async () => {
    ca = certificates()
    return inspectTls(known(network?.socket), known(network?.address).host, ca)
  })
  socket?.destroy()
  const session = await steps.run('login', 'logging in', ['api', 'tls'], () =>
    logIn(known(found), known(network?.address), ca),
  )
  await steps.run('session', 'asking who is logged in', ['login'], () => queryServer(known(session?.client)))
  await session?.client.end().catch(() => {})
  await steps.run('expiry', 'reading the expiry', ['api'], async () => describeExpiry(known(found)))
}

/** Undefined: Node's own roots, which hold Amazon's. */
function certificates(): string | undefined {
  const path = process.env.PGSSLROOTCERT
  return path && path !== 'system' ? readBundle(path, 'PGSSLROOTCERT') : undefined
}

function describeExpiry({ source, login }: CheckedAws): Finding {
  const user = login && 'user' in login ? login.user : undefined
  const state = source.redshift.status().find(status => status.user === user)
  const { expiration, refreshAt, phase } = known(state)
  const left = Math.round((known(expiration).getTime() - Date.now() + (source.aws.clockAheadMillis() ?? 0)) / 1_000)
  if (left < LEAST_SECONDS || phase === 'expired')
    throw new StepError(
      'SHORT_LIFETIME',
      `AWS gave a login that ${left > 0 ? `ends in ${left} s` : 'has ended already'}. Renew the AWS session that asks for it (\`aws sso login\`, or assume the role anew): a login does not outlive it.`,
    )
  return {
    text: `expires ${clock(expiration)}, in ${Math.floor(left / 60)} min ${left % 60} s; refreshed on use after ${clock(refreshAt)}`,
    details: { expiration, refreshAt, secondsLeft: left },
  }
}

const clock = (date: Date | undefined): string => date?.toISOString().replace(/\.\d+Z$/, 'Z') ?? 'unknown'
