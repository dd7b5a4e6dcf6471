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

  it('injects a fault, counts what it has met, and clears it', async () => {
    const fault = { kind: 'throttling', retryAfterSeconds: 1, times: 2, operation: 'GetClusterCredentials' }
    expect(await send('POST', '/faults', fault)).to.deep.equal({ status: 200, body: { id: 1, ...fault, hits: 0 } })
    expect((await rejection(fetchLogin(emulator))).message).to.equal('Rate exceeded')
    expect((await send('GET', '/faults')).body).to.deep.equal([{ id: 1, ...fault, hits: 1 }])
    expect(await send('DELETE', '/faults/1')).to.deep.equal({ status: 204, body: undefined })
    await fetchLogin(emulator)
    expect((await send('GET', '/faults/1')).status).to.equal(404)
  })

  it('tells when a fault has met a request, so that nothing needs to sleep', async () => {
    await send('POST', '/faults', { kind: 'hold' })
    const reached = send('GET', '/faults/1?reached=1')
    const login = fetchLogin(emulator)
    expect((await reached).body).to.deep.equal({ id: 1, kind: 'hold', hits: 1 })
    await send('DELETE', '/faults')
    await login
    expect((await send('GET', '/faults')).body).to.deep.equal([])
  })

  it('lets go who waits for a fault that is cleared', async () => {
    const routes = new ControlRoutes(emulator)
    const ask = (method: string, path: string, query = '', body?: unknown) =>
      routes.handle({ method, path, query: new URLSearchParams(query), body })
    await ask('POST', '/faults', '', { kind: 'hold' })
    const reached = ask('GET', '/faults/1', 'reached=5')
    await ask('DELETE', '/faults')
    expect(await reached).to.include({ id: 1, hits: 0 })
  })

  it('lists calls and logins, and counts from the start again', async () => {
    await (await connect(emulator, await fetchLogin(emulator))).end()
    expect((await send('GET', '/calls')).body).to.have.lengthOf(1)
    expect((await send('GET', '/logins')).body[0]).to.include({ user: 'IAMA:alice', ok: true })
    for (const path of ['/calls', '/logins']) await send('DELETE', path)
    expect((await send('GET', '/calls')).body).to.deep.equal([])
    expect(emulator.logins).to.deep.equal([])
  })

  it('revokes logins, restarts, names another identity, and runs set-up', async () => {
    const login = await fetchLogin(emulator)
    await send('POST', '/restart')
    await (await connect(emulator, login)).end()
    await send('POST', '/revoke-logins')
    expect((await rejection(connect(emulator, login))).message).to.include('password authentication failed')
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

  it('refuses what it does not know, and says what there is', async () => {
    for (const [method, path, status, message, body] of [
      ['GET', '/fault', 404, 'The paths are /, /faults'],
      ['GET', '/toString', 404, 'There is no /toString'],
      ['PATCH', '/faults', 405, 'only GET, POST, DELETE'],
      ['POST', '/faults', 400, 'There is no fault "sleep"', { kind: 'sleep' }],
      ['POST', '/faults', 400, 'A fault is a JSON object', []],
      ['POST', '/faults', 400, 'A fault is a JSON object'],
      ['POST', '/faults', 400, 'not valid JSON', '{'],
      ['GET', '/faults/7', 404, 'There is no fault 7'],
      ['POST', '/query', 400, 'The body needs sql', {}],
      ['POST', '/query', 400, 'syntax error', { sql: 'SELEC' }],
      ['POST', '/restart', 400, 'downMillis', { downMillis: '1' }],
      ['POST', '/restart', 400, 'downMillis', { downMillis: 1e12 }],
      ['POST', '/restart', 400, 'There is no field "downMilis". The fields are downMillis.', { downMilis: 1 }],
      ['POST', '/query', 400, 'There is no field "databse"', { sql: 'SELECT 1', databse: 'dev' }],
      ['POST', '/query', 400, 'not a JSON object', '["SELECT 1"]'],
      ['PUT', '/identity', 400, 'There is no field "user"', { identity: 'x', user: 'y' }],
      ['POST', '/faults', 400, 'from 0 to 2147483647', { kind: 'latency', millis: 1e12 }],
      ['GET', '/faults?reached=1', 400, '/faults has no parameter reached. Only /faults/ID has one'],
      ['POST', '/query', 413, 'longer than', ' '.repeat(1_000_001)],
    ] as const) {
      const refused = await send(method, path, body)
      expect(refused.status, `${method} ${path}`).to.equal(status)
      expect(refused.body.error).to.include(message)
    }
    expect(emulator.calls).to.deep.equal([])
  })

  it('does nothing without its token', async () => {
    for (const authorization of ['', 'Bearer', 'Bearer wrong', `Basic ${btoa(`x:${token}`)}`, `Bearer ${token}x`]) {
      const { status, body } = await send('POST', '/faults', { kind: 'hold' }, authorization)
      expect(status).to.equal(401)
      expect(body.error).to.include('REDSHIFT_EMULATOR_CONTROL_TOKEN').and.not.include(token)
    }
    expect((await send('GET', '/faults')).body).to.deep.equal([])
  })

  it('refuses a browser that another name has led here', async () => {
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
