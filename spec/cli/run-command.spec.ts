import { ChildProcess } from 'node:child_process'
import { expect } from 'chai'
import { startCommand } from '../../lib/cli/run-command.js'

describe('startCommand()', () => {
  const { kill } = ChildProcess.prototype
  afterEach(() => {
    ChildProcess.prototype.kill = kill
  })

  it('waits for a command that may not be signalled, such as sudo', async () => {
    // Node.js does this if the command runs as another user.
    ChildProcess.prototype.kill = function () {
      this.emit('error', Object.assign(new Error('kill EPERM'), { code: 'EPERM', syscall: 'kill' }))
      return false
    }
    const { ended } = startCommand('sh', ['-c', 'exit 7'], process.env)
    for (const _ of [1, 2]) process.emit('SIGUSR2', 'SIGUSR2')
    expect(await ended).to.deep.equal({ code: 7, signal: null })
  })
})
