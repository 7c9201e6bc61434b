# Perl's Async::Interrupt doing what programs/seed.ts does; prints nanoseconds an operation, the loop included on both sides.
use strict;
use warnings;
use Async::Interrupt;
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

my $turns = 20_000;
my $callbacks = 0;
my %figures;

sub measure {
    my ($name, $loop) = @_;
    my @times;
    for (1 .. 9) {
        my $start = clock_gettime(CLOCK_MONOTONIC);
        $loop->();
        push @times, (clock_gettime(CLOCK_MONOTONIC) - $start) / $turns * 1e9;
    }
    $figures{$name} = (sort { $a <=> $b } @times)[4];
}

my $plain = Async::Interrupt->new(cb => sub { $callbacks++ });
measure(signal => sub { $plain->signal for 1 .. $turns });
die "callbacks: $callbacks" if $callbacks != 9 * $turns;
measure(block => sub { for (1 .. $turns) { $plain->block; $plain->unblock } });

my $piped = Async::Interrupt->new(cb => sub { $callbacks++ });
$piped->pipe_enable;
$piped->pipe_fileno;
measure(pipe => sub { $piped->signal for 1 .. $turns });

my $event = Async::Interrupt::EventPipe->new;
measure(eventPipe => sub { for (1 .. $turns) { $event->signal; $event->drain } });

my $hooked = Async::Interrupt->new(signal => "USR2", cb => sub { $callbacks++ });
measure(kill => sub { kill 12, $$ for 1 .. $turns });

print "{", join(",", map { qq("$_":$figures{$_}) } sort keys %figures), "}\n";
