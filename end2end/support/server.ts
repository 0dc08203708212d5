// A real server for a test: its own data directory, a free port, ended by its process id.
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, createWriteStream, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** A Holon server under test. */
export class HolonServer {
  readonly url: string;
  private process?: ChildProcess;

  private constructor(
    readonly port: number,
    readonly dataDir: string,
    private readonly settings: Record<string, string>,
  ) {
    this.url = `http://localhost:${port}`;
  }

  /** Starts one and waits until it is ready. */
  static async start(settings: Record<string, string> = {}): Promise<HolonServer> {
    const dataDir = mkdtempSync(join(tmpdir(), 'holon-e2e-'));
    // Started as root, the server runs Postgres as somebody else, who must get here: else the cluster would stand where nobody removes it.
    chmodSync(dataDir, 0o755);
    const server = new HolonServer(await freePort(), dataDir, settings);
    await server.launch();
    return server;
  }

  /** Starts the process on the data directory it had. */
  async launch(): Promise<void> {
    const program = process.env.HOLON_SERVER;
    if (!program) throw new Error('HOLON_SERVER must name the built server: run `cargo xtask test --only end2end`');
    const log = createWriteStream(join(this.dataDir, 'server.log'), { flags: 'a' });
    const child = spawn(program, ['serve'], {
      env: {
        ...process.env,
        HOLON_PORT: String(this.port),
        HOLON_DATA_DIR: join(this.dataDir, 'data'),
        // The tests' own receivers are on this machine.
        HOLON_EGRESS_ALLOW_LOOPBACK: 'true',
        ...this.settings,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout?.pipe(log);
    child.stderr?.pipe(log);
    this.process = child;
    await this.ready();
  }

  private async ready(): Promise<void> {
    const deadline = Date.now() + 60_000;
    while (Date.now() < deadline) {
      if (this.process?.exitCode !== null) throw new Error(`the server ended:\n${this.log()}`);
      const answer = await fetch(`${this.url}/health/ready`).catch(() => undefined);
      if (answer?.ok) return;
      await pause(50);
    }
    throw new Error(`the server did not become ready:\n${this.log()}`);
  }

  /** Ends the process at once, as a power cut would. Its database is left to its own. */
  async crash(): Promise<void> {
    await this.end('SIGKILL');
  }

  /** Stops it as an operator does, and removes what it kept. */
  async close(): Promise<void> {
    // After a crash the database may still run by itself; the next start takes it over, and stops it with the server.
    if (this.process?.signalCode === 'SIGKILL') await this.launch();
    await this.end('SIGTERM');
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  private end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
    return new Promise((resolve) => {
      child.once('exit', () => resolve());
      child.kill(signal);
    });
  }

  /** What it has logged. */
  log(): string {
    try {
      return readFileSync(join(this.dataDir, 'server.log'), 'utf8');
    } catch {
      return '';
    }
  }
}
