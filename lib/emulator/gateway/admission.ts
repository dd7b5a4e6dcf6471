import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import type { SecureContext } from 'node:tls'
import type { Faults, Meeting } from '../faults.js'
import { hbaRefusal, type IssuedLogins, passwordRefusal, type Refusal } from '../logins.js'
import { type Catalog, type LoginIdentity, ReservedRole } from '../postgres/catalog.js'
import { int32, message } from '../postgres/protocol.js'
import type { Server } from '../postgres/server.js'
import { dial, openSession, type Session, SessionRefused } from '../postgres/session.js'
import type { Settings } from '../settings.js'
import { type IssuedTokens, tokenRefusal } from '../tokens.js'
import type { EmulatedLogin } from '../types.js'
import { dialectFilters } from './dialect-session.js'
import { greeting } from './greeting.js'
import { type Arrival, type LoginRequest, receive, refuse } from './handshake.js'
import { askForProof } from './proof.js'
import { type Filters, relay } from './relay.js'
import { startInRedshift, withoutDriverParameters } from './startup.js'

/** What a login at the gateway depends on. */
export interface AdmissionParts {
  readonly settings: Settings
  readonly server: Server
  readonly catalog: Catalog
  readonly faults: Faults
  readonly issued: IssuedLogins
  readonly tokens: IssuedTokens
  readonly logins: EmulatedLogin[]
  readonly context: SecureContext
}

type LoginArrival = Extract<Arrival, { kind: 'login' }>
type Outcome = Pick<EmulatedLogin, 'ok' | 'sqlstate' | 'serial'>

/** Sent before the errors of what Redshift looks at once it knows the client: start-up parameters, the database, limits. */
const authenticationOk = message('R', int32(0))

/** Takes a client from its first byte to a running session, or turns it away. Resolves when either is done. */
export async function admit(socket: Socket, parts: AdmissionParts): Promise<void> {
  const arrival = await receive(socket, parts.context)
  if (!arrival) socket.destroy()
  else if (arrival.kind === 'login') await logIn(arrival, socket.remoteAddress, parts)
  else if (arrival.kind === 'cancel') await passCancelOn(arrival.stream, arrival.packet, parts.server)
}

async function logIn(arrival: LoginArrival, address: string | undefined, parts: AdmissionParts): Promise<void> {
  const { stream, host, login } = arrival
  const { faults, settings } = parts
  const at = Date.now()
  const { database, tls } = login
  let { user } = login
  const meeting = { operation: undefined, target: settings.targets.byHost(host) }
  const record = (outcome: Outcome) => void parts.logins.push({ at, user, database, host, tls, ...outcome })
  const turnAway = (refusal: Refusal, serial?: number) => {
    record({ ok: false, sqlstate: refusal.sqlstate, serial })
    refuse(stream, refusal.sqlstate, refusal.message)
  }

  const drop = () => {
    record({ ok: false, sqlstate: undefined, serial: undefined })
    stream.destroy()
  }
  if (faults.meetFirst(meeting, 'login-reset')) return drop()
  if (faults.meetFirst(meeting, 'login-hang')) {
    record({ ok: false, sqlstate: undefined, serial: undefined })
    stream.once('end', () => stream.destroy()).resume()
    return
  }
  if ((await resume(meeting, faults)) === 'reset') return drop()
  if (faults.meetFirst(meeting, 'no-hba-entry')) return turnAway(hbaRefusal({ address, user, database, tls }))
  // Redshift does not even ask for the password, which leads many astray.
  if (!tls) return turnAway(passwordRefusal(user))
  const check = await askForProof(arrival, parts)
  if (!check) return void stream.destroy()
  await wait(meeting, faults)
  const { identity, serial, refusal } = check(meeting.target)
  user = identity?.user ?? user
  const rejection = faults.meetFirst(meeting, 'reject-login')
  if (rejection) {
    const usual = login.user === '' ? tokenRefusal : passwordRefusal(user)
    return turnAway({ ...usual, ...withoutUndefined(rejection) }, serial)
  }
  if (refusal || !identity) return turnAway(refusal ?? passwordRefusal(user), serial)
  try {
    const start = startParameters(login.parameters, settings.redshiftDialect)
    if ('refusal' in start) {
      stream.write(authenticationOk)
      return turnAway(start.refusal, serial)
    }
    const session = await openSessionFor(identity, { ...login, parameters: start.parameters }, parts)
    record({ ok: true, sqlstate: undefined, serial })
    const dialect = settings.redshiftDialect
    const clientProtocolVersion = login.parameters.get('client_protocol_version')
    stream.write(greeting(session.greeting, { dialect, clientProtocolVersion }))
    join(stream, session, dialect ? dialectFilters() : undefined)
  } catch (error) {
    if (error instanceof SessionRefused) {
      record({ ok: false, sqlstate: error.sqlstate, serial })
      stream.write(authenticationOk)
      stream.end(error.response).resume()
    } else if (error instanceof ReservedRole) {
      stream.write(authenticationOk)
      turnAway({ sqlstate: '42501', message: error.message }, serial)
    } else {
      turnAway({ sqlstate: '57P03', message: `the backing PostgreSQL server cannot be reached: ${error}` }, serial)
    }
  }
}

function startParameters(
  parameters: ReadonlyMap<string, string>,
  dialect: boolean,
): ReturnType<typeof startInRedshift> {
  return dialect ? startInRedshift(parameters) : { parameters: withoutDriverParameters(parameters) }
}

async function openSessionFor(
  identity: LoginIdentity,
  { protocol, parameters, database }: LoginRequest,
  { catalog, server }: AdmissionParts,
): Promise<Session> {
  for (let attempt = 1; ; attempt += 1) {
    const { name, password, actsAs } = await catalog.loginRole(identity)
    const start = new Map([...parameters, ['user', name], ['database', database]])
    if (actsAs !== undefined) start.set('role', actsAs)
    try {
      return await openSession(server, { protocol, parameters: start, password })
    } catch (error) {
      // Set-up SQL may have dropped the role, or another emulator changed its password.
      const isOutdated = error instanceof SessionRefused && /^28|^22023|^42501/.test(error.sqlstate)
      if (attempt > 1 || !isOutdated) throw error
      catalog.forget(identity)
    }
  }
}

function join(client: Duplex, session: Session, filters: Filters | undefined): void {
  if (client.destroyed) session.socket.destroy()
  else relay(client, session.socket, filters)
}

async function wait(meeting: Meeting, faults: Faults): Promise<void> {
  for (const { fault, cleared } of faults.activeFaults(meeting, 'login-latency')) {
    await Promise.race([delay(fault.millis, undefined, { ref: false }), cleared])
  }
}

/** Waits while a workgroup resumes. How the wait ends for the client; undefined where there was none. */
async function resume(meeting: Meeting, faults: Faults): Promise<'login' | 'reset' | undefined> {
  const [resuming] = faults.find(meeting, 'resuming')
  if (!resuming) return undefined
  resuming.hit()
  const { millis, ends = 'login' } = resuming.fault
  const waits = millis === undefined ? [] : [delay(millis, undefined, { ref: false })]
  await Promise.race([...waits, resuming.cleared])
  return ends
}

/** The server closes the connection when it has passed the request on: clients wait for that. */
async function passCancelOn(stream: Duplex, packet: Buffer, server: Server): Promise<void> {
  const connection = await dial(server).catch(() => undefined)
  if (!connection) return void stream.destroy()
  await new Promise(resolve => connection.once('close', resolve).end(packet).resume())
  stream.end().resume()
}

function withoutUndefined(rejection: { sqlstate?: string; message?: string }): Partial<Refusal> {
  const { sqlstate, message } = rejection
  return { ...(sqlstate !== undefined && { sqlstate }), ...(message !== undefined && { message }) }
}
