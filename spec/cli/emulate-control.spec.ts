import { request as httpRequest } from 'node:http'
import { expect } from 'chai'
import { ControlEndpoint } from '../../lib/cli/emulate/control.js'
import { ControlRoutes } from '../../lib/cli/emulate/control-routes.js'
import type { RedshiftEmulator } from '../../lib/emulator/index.js'
import { connect, fetchLogin } from '../support/emulated-login.js'
import { startEmulator } from '../support/emulator.js'
import { rejection } from '../support/rejection.js'

const token = 'the-token-of-this-spec'

describe('The control endpoint of emulate', () => {
  let emulator: RedshiftEmulator
  let control: ControlEndpoint
  beforeEach(async () => {
    emulator = await startEmulator()
    control = await ControlEndpoint.start(new ControlRoutes(emulator), token)
  })
  afterEach(async () => {
    await control.close()
    await emulator.close()
  })

  const send = async (method: string, path: string, body?: unknown, authorization = `Bearer ${token}`) => {
    const response = await fetch(`${control.url}${path}`, {
      method,
      headers: { authorization },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
  }

  it('injects a fault, counts its hits, and clears it', async () => {
    const fault = { kind: 'throttling', retryAfterSeconds: 1, times: 2, operation: 'GetClusterCredentials' }
    expect(await send('POST', '/faults', fault)).to.deep.equal({ status: 200, body: { id: 1, ...fault, hits: 0 } })
    expect((await rejection(fetchLogin(emulator))).name).to.equal('Throttling')
    expect((await send('GET', '/faults')).body).to.deep.equal([{ id: 1, ...fault, hits: 1 }])
    expect(await send('DELETE', '/faults/1')).to.deep.equal({ status: 204, body: undefined })
    await fetchLogin(emulator)
    expect((await send('GET', '/faults/1')).status).to.equal(404)
  })

  it('responds when a fault has been hit, so that clients need not sleep', async () => {
    await send('POST', '/faults', { kind: 'hold' })
    const reached = send('GET', '/faults/1?reached=1')
    const login = fetchLogin(emulator)
    expect((await reached).body).to.deep.equal({ id: 1, kind: 'hold', hits: 1 })
    await send('DELETE', '/faults')
    await login
    expect((await send('GET', '/faults')).body).to.deep.equal([])
  })

  it('stops waiting for a fault that is cleared', async () => {
    const routes = new ControlRoutes(emulator)
    const ask = (method: string, path: string, query = '', body?: unknown) =>
      routes.handle({ method, path, query: new URLSearchParams(query), body })
    await ask('POST', '/faults', '', { kind: 'hold' })
    const reached = ask('GET', '/faults/1', 'reached=5')
    await ask('DELETE', '/faults')
    expect(await reached).to.include({ id: 1, hits: 0 })
  })

  it('lists calls and logins, and resets both lists', async () => {
    await (await connect(emulator, await fetchLogin(emulator))).end()
    expect((await send('GET', '/calls')).body).to.have.lengthOf(1)
    expect((await send('GET', '/logins')).body[0]).to.include({ user: 'IAMA:alice', ok: true })
    for (const path of ['/calls', '/logins']) await send('DELETE', path)
    expect((await send('GET', '/calls')).body).to.deep.equal([])
    expect(emulator.logins).to.deep.equal([])
  })

  it('revokes logins, restarts, changes the identity, and runs SQL', async () => {
    const login = await fetchLogin(emulator)
    await send('POST', '/restart')
    await (await connect(emulator, login)).end()
    await send('POST', '/revoke-logins')
    expect((await rejection(connect(emulator, login))).code).to.equal('28000')
    await send('PUT', '/identity', { identity: 'IAMR:loader' })
    expect(emulator.identity).to.equal('IAMR:loader')
    const sql = 'CREATE TEMPORARY TABLE sales (id integer); INSERT INTO sales VALUES (7); SELECT * FROM sales'
    expect(await send('POST', '/query', { sql })).to.deep.equal({ status: 200, body: [{ id: 7 }] })
    const { address, endpoint } = emulator
    expect((await send('GET', '/')).body).to.deep.equal({
      address,
      endpoint,
      identity: 'IAMR:loader',
      connections: 0,
    })
  })

  it('refuses unknown and invalid requests, and names what is wrong', async () => {
    for (const [method, path, status, named, body] of [
      ['GET', '/fault', 404, '/faults'],
      ['GET', '/toString', 404, '/toString'],
      ['PATCH', '/faults', 405, 'GET, POST, DELETE'],
      ['POST', '/faults', 400, '"sleep"', { kind: 'sleep' }],
      ['POST', '/faults', 400, 'has no kind', {}],
      ['POST', '/faults', 400, '{"kind":', []],
      ['POST', '/faults', 400, '{"kind":'],
      ['POST', '/faults', 400, 'JSON', '{'],
      ['GET', '/faults/7', 404, '7'],
      ['POST', '/query', 400, 'sql', {}],
      ['POST', '/query', 400, 'SELEC', { sql: 'SELEC' }],
      ['POST', '/restart', 400, 'downMillis', { downMillis: '1' }],
      ['POST', '/restart', 400, 'downMillis', { downMillis: 1e12 }],
      ['POST', '/restart', 400, '"downMilis"', { downMilis: 1 }],
      ['POST', '/query', 400, '"databse"', { sql: 'SELECT 1', databse: 'dev' }],
      ['POST', '/query', 400, 'JSON', '["SELECT 1"]'],
      ['PUT', '/identity', 400, '"user"', { identity: 'x', user: 'y' }],
      ['POST', '/faults', 400, '2147483647', { kind: 'latency', millis: 1e12 }],
      ['GET', '/faults?reached=1', 400, 'reached'],
      ['POST', '/query', 413, '1000000', ' '.repeat(1_000_001)],
    ] as const) {
      const refused = await send(method, path, body)
      expect(refused.status, `${method} ${path}`).to.equal(status)
      expect(refused.body.error).to.include(named)
    }
    expect(emulator.calls).to.deep.equal([])
  })

  it('refuses requests without the token', async () => {
    for (const authorization of ['', 'Bearer', 'Bearer wrong', `Basic ${btoa(`x:${token}`)}`, `Bearer ${token}x`]) {
      const { status, body } = await send('POST', '/faults', { kind: 'hold' }, authorization)
      expect(status).to.equal(401)
      expect(body.error).to.include('REDSHIFT_EMULATOR_CONTROL_TOKEN').and.not.include(token)
    }
    expect((await send('GET', '/faults')).body).to.deep.equal([])
  })

  it('refuses a Host header with another name, as DNS rebinding sends it', async () => {
    const status = (host: string) =>
      new Promise((resolve, reject) => {
        const headers = { host, authorization: `Bearer ${token}` }
        const sent = httpRequest(control.url, { headers, agent: false }, response => {
          response.resume()
          resolve(response.statusCode)
        })
        sent.on('error', reject).end()
      })
    const { port } = new URL(control.url)
    for (const host of ['127.0.0.1', `127.0.0.1:${port}`, `localhost:${port}`])
      expect(await status(host), host).to.equal(200)
    for (const host of [
      'attacker.example',
      `attacker.example:${port}`,
      'localhost.attacker.example',
      '127.0.0.1.nip.io',
    ])
      expect(await status(host), host).to.equal(403)
  })
})
