//! Harmless names as households ask for them, made up because lists of registrable domains hold none: customers' labels
//! of delivery networks, labels left of a domain, Vietnamese names, schools, health, and words that hold a bad word by
//! chance. Written here; no name is copied from a list.

use super::random::Random;
use crate::name::Name;

/// Public suffixes under which every customer of a delivery network or a host has a label.
const HOSTED: &str = "
    cloudfront.net azureedge.net azurewebsites.net s3.amazonaws.com fastly.net herokuapp.com github.io web.app
    firebaseapp.com pages.dev workers.dev netlify.app vercel.app blogspot.com wordpress.com b-cdn.net cdn77.org
    onrender.com gitlab.io r2.dev translate.goog appspot.com edgekey.net akamaized.net cloudapp.net
    trafficmanager.net myshopify.com
";
/// Domains of networks whose names are made by machines.
const NETWORKS: &str = "
    akamaiedge.net akadns.net googlevideo.com 1e100.net fbcdn.net gvt1.com apple-dns.net msedge.net tiktokcdn.com
    ttvnw.net nflxvideo.net zalo.me zadn.vn vnecdn.net cdninstagram.com ytimg.com windowsupdate.com steamcontent.com
    spotifycdn.com awsglobalaccelerator.com cloudflare.net qq.com
";
/// Labels that stand left of any domain.
const LEFT: &str = "
    www m api cdn static img images assets mail login auth account accounts secure shop blog app apps web dev test
    stage beta docs help support status media video edge cache dl download update updates push mqtt ws sso id my
    portal admin vpn proxy remote gateway ns1 ns2 smtp imap pop autodiscover webmail ftp forum wiki news events data
    metrics log logs telemetry collector analytics stats track ads pixel s t i a b c en vi fr de es us eu asia vn sg
    hn sgp lms elearning thuvien tuyensinh daotao sv canvas moodle library meet chat time ntp cdn1 cdn2 img1 static2
    graph config settings registry store play game games live stream tv music maps search translate drive photos
    calendar pay payment billing
";
const SYLLABLES: &str = "
    an anh ba bac bao bien binh cam cao chau chi chinh cong cuong da dai dan dat dien dinh do doan dong duc dung
    duong gia giang giao ha hai hang hanh hien hieu hoa hoai hoang hoc hong hue hung huong huy huyen khang khanh
    khoa kim kinh lam lan lang le lien linh loan loc long luong ly mai minh my nam nga ngan nghe nghia ngoc nguyen
    nhan nhat nhi nhu ninh phat phi phong phu phuc phuong quan quang quoc quy quyen son tai tam tan thai thanh thao
    thi thien thinh tho thu thuan thuy tien tin toan tra trang tri trinh truc trung truong tu tuan tung tuyen tuyet
    van viet vinh vu vuong xuan yen sach bao tin tuc nha xe dep gao dich vu may tinh dien thoai noi that thuc pham
    sua
";
const VIETNAMESE_ENDINGS: &str = "
    vn com.vn edu.vn gov.vn org.vn net.vn com net info.vn
";
const WORK: &str = "
    truong thpt thcs tieuhoc mamnon daihoc benhvien nhathuoc phongkham ubnd baotang thuvien sogd trungtam congty
    khachsan nhahang dulich noithat xaydung giaoduc suckhoe tretho
";
const PLACES: &str = "
    oak hill river lake north south west east spring green wood brook field stone saint-mary st-johns lincoln
    washington franklin jefferson madison kent york bristol leeds essex sussex middlesex wessex cumbria dorset
    scunthorpe penistone clitheroe lightwater berlin hamburg lyon paris madrid porto milano oslo turku hanoi saigon
    danang hue cantho dalat haiphong nhatrang mumbai delhi manila jakarta bangkok seoul osaka kyoto
";
const INSTITUTIONS: &str = "
    school primary highschool academy college university kindergarten library museum hospital clinic pharmacy health
    dental pediatrics childrens youth counselling therapy support charity foundation church parish council county
    police fire scouts sports football swim chess music theatre cinema books kids family parents teachers students
    science math maths english homework adoption shelter helpline hotline safety wellbeing mentalhealth sexeducation
    sexualhealth puberty bodytalk consent lgbtyouth addiction recovery drugfacts gamblinghelp gamblingaware
    quitsmoking antibullying breastcancer breastfeeding prostate midwife
";
/// Words that hold a bad word by chance, or stand close to one.
const INNOCENT: &str = "
    analysis analytics analog canal banal assess assets assembly class classic classroom bass grass glass passage
    compass embassy massage-chair cocktail peacock hancock cockpit shuttlecock dickens dickinson moby-dick titan
    titanium titicaca constitution institute competition cumulus cucumber document circumvent scumbag-free tuition
    sextant sextet sexton unisex-fashion essexcounty penalty pencil peninsula pennsylvania virginia virgin-islands
    saxony sexagenarian therapist psychotherapist grapes drape scrape skyscraper rapeseed expertsexchange whitehouse
    pussycat pussywillow bettany alphabet betterhomes beta bethlehem diabetes tibet bethesda elizabeth slotcars
    timeslot pokerface-song bingo-cards-school casinoroyale-film lottery-history luckyclover drugstore pillow pillar
    caterpillar spillway viagraphic cialdini specialist socialist cialis-info highschool weedkiller seaweed tweed
    potluck teapot hotpot spotlight proxyvote approximate hooker-chemistry cookers stripes outstrip comicstrip
    filmstrip nudgetheory denude hotelier escorted teenhealth teenlife babysitter kissimmee lovebird dateformat
    calendar-date updates candidate mandate playground display gamete gameboard hitachi skill skills killarney
    murderer-shakespeare
";
const ENDINGS: &str = "
    com com com org org net co.uk org.uk de fr nl edu us ca com.au in info io eu vn com.vn it es pl jp co app me
";

/// Harmless names, in a fixed order for a seed; some may come twice.
pub(super) fn names(seed: u64) -> Vec<String> {
    let mut maker = Maker::new(Random::new(seed ^ 0x0dd));
    let mut names = Vec::new();
    for suffix in HOSTED.split_whitespace() {
        names.extend((0..60).map(|_| format!("{}.{suffix}", maker.label())));
    }
    for domain in NETWORKS.split_whitespace() {
        names.extend((0..30).map(|_| format!("{}.{domain}", maker.left())));
    }
    names.extend((0..4000).map(|_| maker.vietnamese()));
    names.extend((0..4000).map(|_| maker.institution()));
    for word in INNOCENT.split_whitespace() {
        names.extend((0..16).map(|_| maker.innocent(word)));
    }
    // A province of Vietnam is a public suffix (`ninhthuan.vn`); nothing is read off one.
    names.retain(|name| Name::parse(name).is_ok_and(|name| name.registrable().is_some()));
    names
}

/// What may stand left of any domain, whatever it is, so many times: it must say nothing by itself.
pub(super) fn left(seed: u64, times: usize) -> Vec<String> {
    let mut maker = Maker::new(Random::new(seed ^ 0x1ef));
    (0..times).map(|_| maker.left()).collect()
}

/// The words to draw from, and chance.
struct Maker {
    random: Random,
    left: Vec<&'static str>,
    places: Vec<&'static str>,
    institutions: Vec<&'static str>,
    endings: Vec<&'static str>,
    syllables: Vec<&'static str>,
    work: Vec<&'static str>,
    vietnamese_endings: Vec<&'static str>,
}

impl Maker {
    fn new(random: Random) -> Maker {
        let words = |text: &'static str| text.split_whitespace().collect();
        Maker {
            random,
            left: words(LEFT),
            places: words(PLACES),
            institutions: words(INSTITUTIONS),
            endings: words(ENDINGS),
            syllables: words(SYLLABLES),
            work: words(WORK),
            vietnamese_endings: words(VIETNAMESE_ENDINGS),
        }
    }

    fn left(&mut self) -> String {
        const ALL: &str = "abcdefghijklmnopqrstuvwxyz";
        match self.random.below(16) {
            0..5 => self.random.pick(&self.left).into(),
            5 => format!("{}-{}", self.random.pick(&self.left), self.random.pick(&self.left)),
            6 => format!("{}{}", self.random.pick(&self.left), self.random.below(30)),
            7 => format!("{}.{}", self.label(), self.random.pick(&self.left)),
            8 => format!("{}{}", self.random.pick(&self.institutions), self.random.pick(&self.left)),
            9 => self.random.pick(&self.institutions).into(),
            10 => self.random.pick(&self.places).into(),
            11 => format!("{}{}", self.random.pick(&self.syllables), self.random.pick(&self.syllables)),
            12 => {
                let len = 2 + self.random.below(6);
                self.letters(ALL, len)
            }
            13 => format!("{}{:02}", self.letters(ALL, 3), self.random.below(100)),
            _ => self.label(),
        }
    }

    /// A label as machines make them, or two words.
    fn label(&mut self) -> String {
        const HEX: &str = "0123456789abcdef";
        const ALL: &str = "abcdefghijklmnopqrstuvwxyz0123456789";
        match self.random.below(16) {
            0..3 => format!("d{}", self.letters(ALL, 13)),
            3..5 => self.letters(HEX, 16),
            5 => format!("e{}", self.letters("0123456789", 5)),
            6..8 => self.letters(ALL, 10),
            8 => format!("rr{}---sn-{}", self.letters("12345", 1), self.letters(ALL, 8)),
            9 => format!("{}-{}", self.letters(HEX, 8), self.letters(HEX, 4)),
            10..12 => format!("{}{}", self.random.pick(&self.places), self.random.pick(&self.institutions)),
            12 => format!("{}-{}", self.random.pick(&self.left), self.random.pick(&self.places)),
            _ => format!("{}-{}", self.random.pick(&self.places), self.random.pick(&self.institutions)),
        }
    }

    fn letters(&mut self, from: &str, len: usize) -> String {
        let octets = from.as_bytes();
        let mut letter = || octets.get(self.random.below(octets.len())).copied().unwrap_or(b'a');
        (0..len).map(|_| char::from(letter())).collect()
    }

    fn vietnamese(&mut self) -> String {
        let hyphen = if self.random.below(6) == 0 { "-" } else { "" };
        let syllables = 2 + self.random.below(2);
        let mut words: Vec<&str> = (0..syllables).map(|_| self.random.pick(&self.syllables)).collect();
        if self.random.below(3) == 0 {
            words.insert(0, self.random.pick(&self.work));
        }
        format!("{}.{}", words.join(hyphen), self.random.pick(&self.vietnamese_endings))
    }

    fn institution(&mut self) -> String {
        let hyphen = if self.random.below(4) == 0 { "-" } else { "" };
        let (place, what) = (self.random.pick(&self.places), self.random.pick(&self.institutions));
        let ending = self.random.pick(&self.endings);
        match self.random.below(4) {
            0 => format!("{what}{hyphen}{place}.{ending}"),
            1 => format!("{what}{hyphen}{}.{ending}", self.random.pick(&self.institutions)),
            _ => format!("{place}{hyphen}{what}.{ending}"),
        }
    }

    fn innocent(&mut self, word: &str) -> String {
        let ending = self.random.pick(&self.endings);
        match self.random.below(4) {
            0 => format!("{word}{}.{ending}", self.random.pick(&self.institutions)),
            1 => format!("{}{word}.{ending}", self.random.pick(&self.places)),
            _ => format!("{word}.{ending}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makes_names_and_the_same_ones_again() {
        let made = names(1);
        assert!(made.len() > 10_000, "{}", made.len());
        assert_eq!(made, names(1));
        assert_ne!(made, names(2));
    }
}
