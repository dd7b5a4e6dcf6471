import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from './until.js'

/** A folder for temporary files of its own, in which everything shows that an emulator has made and not removed. */
export class Leftovers {
  readonly folder: string
  /** For the variable `TMPDIR`. */
  readonly tmp: string

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'emulator-spec-'))
    this.tmp = join(this.folder, 'tmp')
    // As root the server runs as another user, who has to get in.
    chmodSync(this.folder, 0o755)
    mkdirSync(this.tmp)
    chmodSync(this.tmp, 0o1777)
  }

  folders(): string[] {
    return readdirSync(this.tmp).filter(name => name.startsWith('redshift-emulator'))
  }

  /** Those that name the folder in their command line, without those that are dead and not yet buried. */
  processes(): string[] {
    const lines = execFileSync('ps', ['-A', '-ww', '-o', 'pid=,stat=,args='], { encoding: 'utf8' }).split('\n')
    return lines.filter(line => line.includes(this.tmp) && !/^\s*\d+\s+Z/.test(line))
  }

  async none(): Promise<void> {
    await until('nothing is left', () => this.folders().length === 0 && this.processes().length === 0, 30)
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}
