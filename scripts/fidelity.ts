/** Writes docs/fidelity.md from the questions of the acceptance kit. */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { fidelityPage } from '../acceptance/fidelity.js'

writeFileSync(fileURLToPath(new URL('../docs/fidelity.md', import.meta.url)), fidelityPage())
