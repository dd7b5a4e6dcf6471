import { expect } from 'chai'
import type { RedshiftEmulator } from '../lib/emulator/index.js'
import { startEmulator } from './support/emulator.js'
import { Example, type ExampleEnd, runExample } from './support/example.js'

describe('A process', () => {
  let emulator: RedshiftEmulator
  before(async () => {
    emulator = await startEmulator({ lifetimeSeconds: 6 })
  })
  after(() => emulator.close())

  const leave = (scene: string): Promise<ExampleEnd> =>
    runExample('spec/programs/leaver.ts', emulator, { env: { SCENE: scene } })
  const clean = { code: 0, signal: null, stderr: '' }

  it('stays alive for a caller that waits for AWS, until the deadline settles the call', async () => {
    expect(await leave('waiting')).to.deep.equal({ ...clean, stdout: 'ERR_REDSHIFT_TIMEOUT\n' })
  })

  it('exits if its caller has aborted, even if the fetch continues', async () => {
    expect(await leave('aborted')).to.deep.equal({ ...clean, stdout: 'aborted, timers 1 then 0\n' })
  })

  it('is not kept alive by a login', async () => {
    expect(await leave('idle')).to.deep.equal({ ...clean, stdout: 'IAM:alice\n' })
  })

  it('is kept alive by a hanging refresh at most until its deadline', async () => {
    const program = new Example('spec/programs/leaver.ts', emulator, { env: { SCENE: 'refreshing' } })
    expect(await program.ask('')).to.equal('stale')
    // The response is never released.
    const refresh = emulator.fail({ kind: 'hang' })
    const ended = program.end()
    await refresh.reached()
    expect(await ended).to.deep.include({ ...clean })
    expect((await ended).stdout).to.contain('IAM:alice and IAM:alice')
    refresh.clear()
  })

  it('is not kept alive by a request after it closes its credentials', async () => {
    const hang = emulator.fail({ kind: 'hang' })
    const program = new Example('spec/programs/leaver.ts', emulator, { env: { SCENE: 'closed' } })
    await hang.reached()
    expect(await program.end()).to.deep.equal({ ...clean, stdout: 'ERR_REDSHIFT_CLOSED\n' })
    hang.clear()
  })

  it('logs in as usual, through a rotation and a rejection, if its listeners on the diagnostics channels throw', async () => {
    const { code, stdout, stderr } = await runExample('spec/programs/listener.ts', emulator)
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' })
    const seen = JSON.parse(stdout)
    expect(seen.users).to.deep.equal(Array(4).fill('IAM:alice'))
    expect(seen.rotated).to.equal(true)
    // Three fetches and a rejection. Node reports an exception of a listener as uncaught, after the call.
    expect(seen.messages).to.be.at.least(7)
    expect(seen.reported).to.equal(seen.messages)
  })
})
