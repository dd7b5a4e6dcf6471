import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { connect, isIP, type Socket } from 'node:net'
import { addressOf } from '../login/address.js'
import { codeOf, StepError } from '../terminal/failure.js'
import type { CheckedAws } from './aws-steps.js'
import type { Finding } from './finding.js'

/** The address of the server. */
export interface ServerAddress {
  /** The name that the certificate must contain. */
  readonly host: string
  /** The host to connect to instead, for example a tunnel: libpq's `PGHOSTADDR`. */
  readonly hostAddress: string | undefined
  readonly port: number
}

const TIMEOUT_MILLIS = 10_000

/** Returns the configured address, or the one from AWS. */
export async function serverAddress({ source, database }: CheckedAws): Promise<ServerAddress> {
  return { ...(await addressOf(source.redshift, database)), hostAddress: process.env.PGHOSTADDR || undefined }
}

/** Resolves the host name and opens a connection. */
export async function connectTo({
  host,
  hostAddress,
  port,
}: ServerAddress): Promise<{ finding: Finding; socket: Socket }> {
  const addresses = await addressesOf(hostAddress ?? host)
  const socket = connect({ host: hostAddress ?? host, port })
  const name = `${host}:${port}`
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(TIMEOUT_MILLIS) })
  } catch (error) {
    socket.destroy()
    throw connectionError(name, addresses, error)
  }
  socket.on('error', () => {})
  const address = socket.remoteAddress
  const via = hostAddress === undefined ? '' : ' (PGHOSTADDR)'
  return {
    finding: { summary: `connected to ${name} at ${address}${via}`, details: { host, port, address, addresses } },
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
      `The host name ${JSON.stringify(host)} has no address (${codeOf(cause)}). Check its spelling, that the cluster exists and, if it is private, the VPN or the resolver of the VPC.`,
      { cause },
    )
  }
}

function connectionError(name: string, addresses: readonly string[], cause: unknown): StepError {
  const at = `${name} (${addresses.join(', ')})`
  const attempts = attemptsOf(cause)
  // A refused attempt says more than those that could not start, for example without a route for IPv6.
  const code = codeOf(attempts.find(attempt => codeOf(attempt) === 'ECONNREFUSED') ?? cause)
  if (code === 'ECONNREFUSED')
    return new StepError(
      code,
      `Nothing accepts connections at ${at}. Check the port (default: 5439), and that the cluster is not paused or rebooting.`,
      { cause },
    )
  if (cause instanceof Error && cause.name === 'AbortError')
    return new StepError(
      'ETIMEDOUT',
      `No connection to ${at} within ${TIMEOUT_MILLIS / 1_000} s. Allow this host's address and the port in the security group, and make the cluster publicly accessible or reach it by VPN, peering or a tunnel (PGHOSTADDR).`,
      { cause },
    )
  return new StepError(
    code ?? 'NO_CONNECTION',
    `No connection to ${at}: ${attempts.map(explain).join('; ')}. Check the route, the firewall and the VPN.`,
    { cause },
  )
}

/** The errors of each address. If a host has several, Node.js throws one error for all, without a message. */
const attemptsOf = (cause: unknown): readonly unknown[] => (cause instanceof AggregateError ? cause.errors : [cause])

const explain = (error: unknown): string => (error instanceof Error ? error.message : String(error))
