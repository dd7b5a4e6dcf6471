import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { connect, isIP, type Socket } from 'node:net'
import { addressOf } from '../login/address.js'
import { codeOf, StepError } from '../terminal/failure.js'
import type { CheckedAws } from './aws-steps.js'
import type { Finding } from './finding.js'

/** Where the server is. */
export interface ServerAddress {
  /** The name that its certificate is verified for. */
  readonly host: string
  /** Where to connect instead, with a tunnel: libpq's `PGHOSTADDR`. */
  readonly hostAddress: string | undefined
  readonly port: number
}

const TIMEOUT_MILLIS = 10_000

/** The address as given, or as AWS knows it. */
export async function serverAddress({ source, database }: CheckedAws): Promise<ServerAddress> {
  return { ...(await addressOf(source.redshift, database)), hostAddress: process.env.PGHOSTADDR || undefined }
}

/** Finds the host's addresses and opens a connection. */
export async function connectTo({
  host,
  hostAddress,
  port,
}: ServerAddress): Promise<{ finding: Finding; socket: Socket }> {
  const addresses = await addressesOf(hostAddress ?? host)
  const socket = connect({ host: hostAddress ?? host, port })
  const shown = `${host}:${port}`
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(TIMEOUT_MILLIS) })
  } catch (error) {
    socket.destroy()
    throw unreachable(shown, addresses, error)
  }
  socket.on('error', () => {})
  const address = socket.remoteAddress
  const via = hostAddress === undefined ? '' : ', by PGHOSTADDR'
  return {
    finding: { text: `${shown} is ${address}${via}, and answers`, details: { host, port, address, addresses } },
    socket,
  }
}

async function addressesOf(host: string): Promise<string[]> {
  if (isIP(host)) return [host]
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address)
  } catch (cause) {
    throw new StepError(
      codeOf(cause) ?? 'ENOTFOUND',
      `The host name ${JSON.stringify(host)} has no address (${codeOf(cause)}). Check its spelling, and that the cluster exists; the name of a private cluster may need the VPN, or the resolver of the VPC.`,
      { cause },
    )
  }
}

function unreachable(where: string, addresses: readonly string[], cause: unknown): StepError {
  const at = `${where} (${addresses.join(', ')})`
  const code = codeOf(cause)
  if (code === 'ECONNREFUSED')
    return new StepError(
      code,
      `Nothing accepts connections at ${at}. Check the port (5439 unless changed), and that the cluster is available: paused and rebooting ones refuse.`,
      { cause },
    )
  if (cause instanceof Error && cause.name === 'AbortError')
    return new StepError(
      'ETIMEDOUT',
      `No connection to ${at} within ${TIMEOUT_MILLIS / 1_000} s. Something drops it: the security group must allow this host's address on the port, and the cluster must be publicly accessible or reached by VPN, peering or a tunnel (PGHOSTADDR).`,
      { cause },
    )
  return new StepError(
    code ?? 'NO_CONNECTION',
    `No connection to ${at}: ${cause instanceof Error ? cause.message : String(cause)}. Check route, firewall and VPN.`,
    { cause },
  )
}
