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

  it('whose caller waits for AWS does not end before the deadline has settled the call', async () => {
    expect(await leave('waiting')).to.deep.equal({ ...clean, stdout: 'ERR_REDSHIFT_TIMEOUT\n' })
  })

  it('whose caller has given up is not kept alive by the fetch that goes on', async () => {
    expect(await leave('aborted')).to.deep.equal({ ...clean, stdout: 'given up, timers 1 then 0\n' })
  })

  it('that has a login is not kept alive by it', async () => {
    expect(await leave('idle')).to.deep.equal({ ...clean, stdout: 'IAM:alice\n' })
  })

  it('is kept by a refresh that hangs no longer than until its deadline', async () => {
    const program = new Example('spec/programs/leaver.ts', emulator, { env: { SCENE: 'refreshing' } })
    expect(await program.ask('')).to.equal('stale')
    // It is never let go.
    const refresh = emulator.fail({ kind: 'hang' })
    const ended = program.end()
    await refresh.reached()
    expect(await ended).to.deep.include({ ...clean })
    expect((await ended).stdout).to.contain('IAM:alice and IAM:alice')
    refresh.clear()
  })

  it('that closes its credentials is not kept by the request that was under way', async () => {
    const hang = emulator.fail({ kind: 'hang' })
    const program = new Example('spec/programs/leaver.ts', emulator, { env: { SCENE: 'closed' } })
    await hang.reached()
    expect(await program.end()).to.deep.equal({ ...clean, stdout: 'ERR_REDSHIFT_CLOSED\n' })
    hang.clear()
  })

  it('whose listeners on the diagnostics channels throw logs in as ever, through a rotation and a refusal', async () => {
    const { code, stdout, stderr } = await runExample('spec/programs/listener.ts', emulator)
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' })
    const seen = JSON.parse(stdout)
    expect(seen.users).to.deep.equal(Array(4).fill('IAM:alice'))
    expect(seen.rotated).to.equal(true)
    // Three fetches, and a refusal. Node reports what a listener throws as uncaught, after the call.
    expect(seen.messages).to.be.at.least(7)
    expect(seen.reported).to.equal(seen.messages)
  })
})
