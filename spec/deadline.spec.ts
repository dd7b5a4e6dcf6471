import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { expect } from 'chai'
import { type Clock, systemClock } from '../lib/clock.js'
import { closedError, type RedshiftCredentialsError } from '../lib/errors.js'
import { FetchContext } from '../lib/fetch-context.js'
import { Flight } from '../lib/flight.js'
import { RedshiftCredentials } from '../lib/index.js'
import { error, expectFailure, SimulatedClock, stateOf } from './support/simulation.js'

/** AWS in its own thread: it responds while the event loop of this one is blocked. `state` counts its steps. */
const AWS = `
  const { createServer } = require('node:http')
  const { parentPort, workerData: state } = require('node:worker_threads')
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      parentPort.postMessage('asked')
      // Waits until the parent thread is blocked.
      Atomics.wait(state, 0, 0)
      response.setHeader('content-type', 'application/x-amz-json-1.1')
      const expiration = Date.now() / 1_000 + 900
      response.end(JSON.stringify({ dbUser: 'IAMR:analyst', dbPassword: 'hunter2', expiration }))
      response.on('close', () => {
        Atomics.store(state, 1, 1)
        Atomics.notify(state, 1)
      })
    })
  })
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))
`

describe('The deadline of a fetch', () => {
  it('that passes while the event loop is blocked does not lose a response that has arrived', async () => {
    const state = new Int32Array(new SharedArrayBuffer(8))
    const worker = new Worker(AWS, { eval: true, workerData: state })
    const [port] = await once(worker, 'message')
    const fetchTimeoutMillis = 1_000
    const credentials = new RedshiftCredentials({
      workgroupName: 'analytics',
      region: 'us-west-2',
      database: 'dev',
      fetchTimeoutMillis,
      aws: {
        endpoint: `http://127.0.0.1:${port}`,
        credentials: { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'secret' },
      },
    })
    // The first call loads the SDK, before the deadline that is tested.
    await import('@aws-sdk/client-redshift-serverless')
    const begun = performance.now()
    const getting = credentials.get()
    await Promise.race([once(worker, 'message'), getting])
    Atomics.store(state, 0, 1)
    Atomics.notify(state, 0)
    expect(Atomics.wait(state, 1, 0, 30_000)).to.not.equal('timed-out')
    while (performance.now() < begun + fetchTimeoutMillis + 100);
    expect((await getting).user).to.equal('IAMR:analyst')
    await credentials.close()
    await worker.terminate()
  })

  it('does not abort a response that has arrived meanwhile', async () => {
    let expire = (): void => {}
    let turn = (): void => {}
    const clock: Clock = {
      ...systemClock,
      setTimeout: callback => {
        expire = callback
        return { ref() {}, unref() {}, cancel() {} }
      },
      turn: callback => {
        turn = callback
      },
    }
    let respond: (response: string) => void = () => {}
    const context = new FetchContext(1_000)
    const flight = new Flight<string>({
      clock,
      context,
      run: () =>
        new Promise(resolve => {
          respond = resolve
        }),
      timeoutError: closedError,
      land: outcome => outcome,
    })
    expire()
    respond('hunter2')
    expect(await flight.wait()).to.equal('hunter2')
    for (let turns = 0; turns < 20; turns++) turn()
    expect(context.signal.aborted).to.equal(false)
  })

  describe('is explained', () => {
    const hanging = (clock: SimulatedClock, explain: () => Promise<RedshiftCredentialsError | undefined>) => {
      const context = new FetchContext(1_000)
      const flight = new Flight<string>({
        clock,
        context,
        run: () => new Promise(() => {}),
        timeoutError: () => error('ERR_REDSHIFT_TIMEOUT'),
        explain,
        land: outcome => outcome,
      })
      return { waiting: flight.wait(), signal: context.signal }
    }

    it('by what the fetch was waiting for', async () => {
      const clock = new SimulatedClock()
      const { waiting, signal } = hanging(clock, async () => error('ERR_REDSHIFT_AWS_CREDENTIALS'))
      const failure = expectFailure(waiting, 'ERR_REDSHIFT_AWS_CREDENTIALS')
      await clock.advance(1_000)
      await failure
      expect(signal.aborted).to.equal(true)
      expect(clock.timers).to.deep.equal([])
    })

    it('as a timeout if the cause is unknown, or cannot be determined', async () => {
      for (const explain of [async () => undefined, () => Promise.reject(new Error('No such file.'))]) {
        const clock = new SimulatedClock()
        const failure = expectFailure(hanging(clock, explain).waiting, 'ERR_REDSHIFT_TIMEOUT')
        await clock.advance(1_000)
        await failure
      }
    })

    it('as a timeout after a second if determining the cause hangs as well', async () => {
      const clock = new SimulatedClock()
      const { waiting, signal } = hanging(clock, () => new Promise(() => {}))
      const failure = expectFailure(waiting, 'ERR_REDSHIFT_TIMEOUT')
      await clock.advance(1_999)
      expect([await stateOf(waiting), signal.aborted]).to.deep.equal(['pending', false])
      expect(clock.timers.map(({ referenced }) => referenced)).to.deep.equal([true])
      await clock.advance(1)
      await failure
      expect(signal.aborted).to.equal(true)
    })
  })
})
