import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from './until.js'

/** A separate folder for temporary files, which shows everything that an emulator has created and not removed. */
export class Leftovers {
  readonly folder: string
  /** For the variable `TMPDIR`. */
  readonly tmp: string

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'emulator-spec-'))
    this.tmp = join(this.folder, 'tmp')
    // If run as root, the server runs as another user, which needs access.
    chmodSync(this.folder, 0o755)
    mkdirSync(this.tmp)
    chmodSync(this.tmp, 0o1777)
  }

  folders(): string[] {
    return readdirSync(this.tmp).filter(name => name.startsWith('redshift-emulator'))
  }

  /** The processes with this folder in their command line, without zombies. */
  processes(): string[] {
    const lines = execFileSync('ps', ['-A', '-ww', '-o', 'pid=,stat=,args='], { encoding: 'utf8' }).split('\n')
    return lines.filter(line => line.includes(this.tmp) && !/^\s*\d+\s+Z/.test(line))
  }

  /** Waits until nothing is left. */
  none(): Promise<void> {
    return until('nothing is left', () => this.folders().length === 0 && this.processes().length === 0)
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}
