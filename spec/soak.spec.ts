import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { figure } from './support/figure.js'

const root = fileURLToPath(new URL('..', import.meta.url))

describe('The soak, in its short form', () => {
  it('reports no failure that a client could have avoided, and no growth, while AWS and the server fail at random', async () => {
    const { code, output } = await new Promise<{ code: number | null; output: string }>(resolve => {
      const child = execFile(
        process.execPath,
        ['--import', 'tsx', 'soak/soak.ts', '--short'],
        { cwd: root },
        (_, stdout, stderr) => resolve({ code: child.exitCode, output: stdout + stderr }),
      )
    })
    // The seed in its first line repeats the run.
    expect(code, output).to.equal(0)
    for (const line of output
      .split('\n')
      .filter(line =>
        /^soak|connections|queries|rotations|avoided|heap|hits in|failed \d+ fetches|failures:/.test(line),
      ))
      figure(line.trim())
  })
})
