# change.pl --list BUGS: one line `name|test file|test case|ci` for each bug.
# change.pl FOLDER BUGS NAME: makes the changes of bug NAME in the headers of FOLDER. White space in the text to be
# replaced stands for any; each text must be there exactly once, else nothing is right any more and this fails.
use strict;
use warnings;

my ($folder, $list, $wanted) = @ARGV;
my @bugs;
open my $in, '<', $list or die "$list: $!\n";
while (<$in>) {
  chomp;
  next if /^\s*(#|$)/;
  /^(\w+):\s+(.*?)\s*$/ or die "$list:$.: expected `key: value`\n";
  my ($key, $value) = ($1, $2);
  if ($key eq 'bug') {
    push @bugs, {name => $value, ci => 'no', changes => []};
  } elsif ($key eq 'in') {
    $bugs[-1]{in} = $value;
  } elsif ($key eq 'old') {
    push @{$bugs[-1]{changes}}, {in => $bugs[-1]{in}, old => $value};
  } elsif ($key eq 'new') {
    $bugs[-1]{changes}[-1]{new} = $value;
  } elsif ($key =~ /^(file|test|ci)$/) {
    $bugs[-1]{$key} = $value;
  } else {
    die "$list:$.: unknown key '$key'\n";
  }
}
for my $bug (@bugs) {
  die "$list: bug '$bug->{name}' has no file, test or change\n"
    unless $bug->{file} && $bug->{test} && @{$bug->{changes}};
  die "$list: bug '$bug->{name}': an old without a new\n" if grep { !defined $_->{new} } @{$bug->{changes}};
}

if ($folder eq '--list') {
  print join('|', @{$_}{qw(name file test ci)}), "\n" for @bugs;
  exit 0;
}

my ($bug) = grep { $_->{name} eq $wanted } @bugs;
die "$list: no bug '$wanted'\n" unless $bug;
for my $change (@{$bug->{changes}}) {
  my $path = "$folder/$change->{in}";
  open my $header, '<', $path or die "$path: $!\n";
  my $text = do { local $/; <$header> };
  my $pattern = join '\s+', map { quotemeta } split ' ', $change->{old};
  my $count = () = $text =~ /$pattern/g;
  die "$change->{in}: '$change->{old}' is there $count times, expected once\n" unless $count == 1;
  $text =~ s/$pattern/$change->{new}/;
  open my $out, '>', $path or die "$path: $!\n";
  print $out $text;
  close $out or die "$path: $!\n";
}
