import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { SecureContext } from 'node:tls'
import type { ActiveFaults } from '../active-faults.js'
import { hbaRefusal, type IssuedLogins, passwordRefusal, type Refusal } from '../logins.js'
import { int32, message } from '../postgres/protocol.js'
import { type LoginIdentity, ReservedRole, type Roles } from '../postgres/roles.js'
import type { Server } from '../postgres/server.js'
import { dial, openSession, type Session, SessionRefused } from '../postgres/session.js'
import type { EmulatedLogin } from '../records.js'
import type { Settings } from '../settings.js'
import { type IssuedTokens, tokenRefusal } from '../tokens.js'
import { requestCredential } from './authentication.js'
import { dialectFilters } from './dialect-session.js'
import type { WaitUntimed } from './gateway.js'
import { greeting } from './greeting.js'
import { type LoginRequest, readRequest, refuse } from './handshake.js'
import { waitForLatency, waitForResume } from './login-faults.js'
import { relay } from './relay.js'
import { redshiftStartParameters, withoutDriverParameters } from './start-parameters.js'

/** What a login at the gateway needs. */
export interface AdmissionParts {
  readonly settings: Settings
  readonly server: Server
  readonly roles: Roles
  readonly faults: ActiveFaults
  readonly issuedLogins: IssuedLogins
  readonly issuedTokens: IssuedTokens
  readonly logins: EmulatedLogin[]
  readonly context: SecureContext
  readonly waitUntimed: WaitUntimed
}

type Outcome = Pick<EmulatedLogin, 'ok' | 'sqlstate' | 'serial'>

/** Redshift sends it before errors about start-up parameters, the database and limits, which it checks after the password. */
const authenticationOk = message('R', int32(0))

/** Handles a client from its first byte until it has a session or is refused. */
export async function admit(socket: Socket, parts: AdmissionParts): Promise<void> {
  const request = await readRequest(socket, parts.context)
  if (!request) socket.destroy()
  else if (request.kind === 'login') await logIn(request, socket.remoteAddress, parts)
  else if (request.kind === 'cancel') await forwardCancel(request.stream, request.packet, parts.server)
}

async function logIn(request: LoginRequest, address: string | undefined, parts: AdmissionParts): Promise<void> {
  const { stream, host, database, tls } = request
  const { faults, settings, waitUntimed } = parts
  const at = Date.now()
  let { user } = request
  const incoming = { operation: undefined, target: settings.targets.byHost(host) }
  const record = (outcome: Outcome) => void parts.logins.push({ at, user, database, host, tls, ...outcome })
  const reject = (refusal: Refusal, serial?: number) => {
    record({ ok: false, sqlstate: refusal.sqlstate, serial })
    refuse(stream, refusal.sqlstate, refusal.message)
  }
  const drop = () => {
    record({ ok: false, sqlstate: undefined, serial: undefined })
    stream.destroy()
  }

  if (faults.hitFirst(incoming, 'login-reset')) return drop()
  if (faults.hitFirst(incoming, 'login-hang')) {
    record({ ok: false, sqlstate: undefined, serial: undefined })
    stream.once('end', () => stream.destroy()).resume()
    return
  }
  if ((await waitUntimed(waitForResume(incoming, faults))) === 'reset') return drop()
  if (faults.hitFirst(incoming, 'no-hba-entry')) return reject(hbaRefusal({ address, user, database, tls }))
  // Without TLS, Redshift reports a wrong password without even requesting one.
  if (!tls) return reject(passwordRefusal(user))
  const credential = await requestCredential(request, parts)
  if (!credential) return void stream.destroy()
  // Through localhost, only the password or token identifies the cluster.
  const identified = { ...incoming, target: incoming.target ?? credential.target }
  await waitUntimed(waitForLatency(identified, faults))
  const { identity, serial, refusal } = credential.check(incoming.target)
  user = identity?.user ?? user
  const fault = faults.hitFirst(identified, 'reject-login')
  if (fault) {
    const usual = request.user === '' ? tokenRefusal : passwordRefusal(user)
    return reject({ sqlstate: fault.sqlstate ?? usual.sqlstate, message: fault.message ?? usual.message }, serial)
  }
  if (refusal || !identity) return reject(refusal ?? passwordRefusal(user), serial)
  const dialect = settings.redshiftDialect
  const start = dialect
    ? redshiftStartParameters(request.parameters)
    : { parameters: withoutDriverParameters(request.parameters) }
  if ('refusal' in start) {
    stream.write(authenticationOk)
    return reject(start.refusal, serial)
  }
  let session: Session
  try {
    session = await openSessionFor(identity, { ...request, parameters: start.parameters }, parts)
  } catch (error) {
    if (error instanceof SessionRefused) {
      record({ ok: false, sqlstate: error.sqlstate, serial })
      stream.write(authenticationOk)
      stream.end(error.response).resume()
    } else if (error instanceof ReservedRole) {
      stream.write(authenticationOk)
      reject({ sqlstate: '42501', message: error.message }, serial)
    } else {
      reject({ sqlstate: '57P03', message: `the backing PostgreSQL server cannot be reached: ${error}` }, serial)
    }
    return
  }
  record({ ok: true, sqlstate: undefined, serial })
  const clientProtocolVersion = request.parameters.get('client_protocol_version')
  stream.write(greeting(session.greeting, { dialect, clientProtocolVersion }))
  if (stream.destroyed) session.socket.destroy()
  else relay(stream, session.socket, dialect ? dialectFilters() : undefined)
}

async function openSessionFor(
  identity: LoginIdentity,
  { protocol, parameters, database }: LoginRequest,
  { roles, server }: AdmissionParts,
): Promise<Session> {
  for (let attempt = 1; ; attempt += 1) {
    const { name, password, actsAs } = await roles.loginRole(identity)
    const start = new Map([...parameters, ['user', name], ['database', database]])
    if (actsAs !== undefined) start.set('role', actsAs)
    try {
      return await openSession(server, { protocol, parameters: start, password })
    } catch (error) {
      // Setup SQL may have dropped the role, or another emulator may have changed its password.
      const isOutdated = error instanceof SessionRefused && /^28|^22023|^42501/.test(error.sqlstate)
      if (attempt > 1 || !isOutdated) throw error
      roles.forget(identity)
    }
  }
}

/** Clients wait until the connection closes, so it stays open until the server has received the request. */
async function forwardCancel(stream: Duplex, packet: Buffer, server: Server): Promise<void> {
  const connection = await dial(server).catch(() => undefined)
  if (!connection) return void stream.destroy()
  await new Promise(resolve => connection.once('close', resolve).end(packet).resume())
  stream.end().resume()
}
